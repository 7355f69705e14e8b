//! Ended jobs are forgotten after a while; what their results say lies in the outbox.

use std::time::Duration;

use jiff::SignedDuration;

use super::context::Context;
use crate::store::{Commit, Entry, Filter, StoreError};
use dropship_job::{Job, StateKind};

/// Jobs that are gone through together: with all at once memory would grow with their number.
const PAGE: usize = 256;

/// Forgets jobs that ended longer ago than `keep`, and what was kept for them.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn forget_ended<S>(context: &Context<S>, keep: Duration) -> Result<(), StoreError> {
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let now = context.clock.now();
    for state in StateKind::ENDED {
        let mut before = None;
        loop {
            let page = context.store.jobs(&Filter { state: Some(state), before, limit: PAGE })?;
            before = page.last().map(|job| job.id.clone());
            if before.is_none() {
                break;
            }
            let old: Vec<_> = page
                .into_iter()
                .filter(|job| job.is_over() && now.duration_since(job.updated) > keep)
                .collect();
            forget(context, old).await?;
        }
    }
    Ok(())
}

async fn forget<S>(context: &Context<S>, jobs: Vec<Job>) -> Result<(), StoreError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let entries = jobs.iter().map(|job| Entry::Pruned { job: job.id.clone() }).collect();
    context.store.commit(Commit::new(entries)).answer().await?;
    for job in jobs {
        // Unless somebody retried it meanwhile.
        if context.store.job(&job.id)?.is_none()
            && let Err(error) = context.depot.discard(&job.id)
        {
            tracing::warn!(job_id = %job.id, "the job's copy cannot be removed: {error}");
        }
    }
    Ok(())
}
