//! Forgets ended jobs after `[store] keep`. Their results stay in the outbox.

use std::io;
use std::time::Duration;

use jiff::SignedDuration;

use super::assembly::Pipeline;
use crate::label_drift;
use dropship_job::{Job, JobId, StateKind};
use dropship_store::{Commit, Entry, Filter, StoreError};

/// Number of jobs read at once; bounds memory.
const PAGE: usize = 256;

/// Forgets jobs that ended longer ago than `keep`, with their plans.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn forget_ended<S>(pipeline: &Pipeline<S>, keep: Duration) -> Result<(), StoreError> {
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let now = pipeline.clock.now();
    for state in StateKind::ENDED {
        let mut before = None;
        loop {
            let page = pipeline.store.jobs(&Filter { state: Some(state), before, limit: PAGE })?;
            before = page.last().map(|job| job.id().clone());
            if before.is_none() {
                break;
            }
            let old: Vec<_> = page
                .into_iter()
                .filter(|job| job.is_over() && now.duration_since(job.updated()) > keep)
                .collect();
            forget(pipeline, old).await?;
        }
    }
    Ok(())
}

async fn forget<S>(pipeline: &Pipeline<S>, jobs: Vec<Job>) -> Result<(), StoreError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = jobs.iter().map(|job| job.id().clone()).collect();
    let mut entries = label_drift::removal_entries(&*pipeline.store, &ids)?;
    entries.extend(ids.into_iter().map(|job| Entry::Pruned { job }));
    pipeline.store.commit(Commit::new(entries)).committed().await?;
    for job in jobs {
        pipeline.events.notify_pruned(job.id());
        // The job may have been retried in the meantime.
        if pipeline.store.job(job.id())?.is_none()
            && let Err(error) = discard(pipeline, job.id()).await
        {
            tracing::warn!(job_id = %job.id(), "cannot delete the stored package of job {}: {error}", job.id());
        }
    }
    Ok(())
}

/// Deletes everything that is stored of a package.
async fn discard<S>(pipeline: &Pipeline<S>, id: &JobId) -> io::Result<()> {
    let (packages, id) = (pipeline.packages.clone(), id.clone());
    super::file_work::run(move || packages.discard(&id)).await
}
