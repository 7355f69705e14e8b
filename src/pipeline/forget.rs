//! Ended jobs are forgotten after a while; what their results say lies in the outbox.

use std::time::Duration;

use jiff::SignedDuration;

use super::context::Context;
use crate::store::{Commit, Entry, Filter, StoreError};

/// Forgets jobs that ended longer ago than `keep`, and what was kept for them.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn forget_ended<S>(context: &Context<S>, keep: Duration) -> Result<(), StoreError> {
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let now = context.clock.now();
    for state in ["succeeded", "failed", "rejected", "cancelled"] {
        let filter = Filter { state: Some(state.to_owned()), ..Filter::default() };
        for job in context.store.jobs(&filter)? {
            if now.duration_since(job.updated) > keep {
                context
                    .store
                    .commit(Commit::new(vec![Entry::Pruned { job: job.id.clone() }]))
                    .answer()
                    .await?;
                if context.store.job(&job.id)?.is_some() {
                    // Somebody retried it meanwhile.
                    continue;
                }
                if let Err(error) = context.depot.discard(&job.id) {
                    tracing::warn!(job_id = %job.id, "the job's copy cannot be removed: {error}");
                }
            }
        }
    }
    Ok(())
}
