//! What has to be done now and then: forget ended jobs, and keep the status line true.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::hardware::Client;
use crate::pipeline::Context;
use crate::service;
use crate::store::{Commit, Entry, Filter, StoreError};

const EACH: Duration = Duration::from_secs(3600);

/// Forgets jobs that ended longer ago than `keep`.
pub(super) async fn run(context: Arc<Context<Client>>, keep: Duration) {
    let mut news = context.news.subscribe();
    let mut hour = tokio::time::interval(EACH);
    loop {
        tokio::select! {
            _ = hour.tick() => {
                if let Err(error) = prune(&context, keep).await {
                    tracing::error!("ended jobs cannot be forgotten: {error}");
                }
            }
            changed = news.changed() => {
                if changed.is_err() {
                    return;
                }
                let (open, running) = (context.queue.len(), context.queue.running());
                service::status(&format!("{open} jobs open, {running} being worked on"));
                // At most one line a second.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn prune(context: &Context<Client>, keep: Duration) -> Result<(), StoreError> {
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
                if let Err(error) = context.depot.discard(&job.id) {
                    tracing::warn!(job_id = %job.id, "the job's copy cannot be removed: {error}");
                }
            }
        }
    }
    Ok(())
}
