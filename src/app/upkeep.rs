//! What has to be done now and then: forget ended jobs, and keep the status line true.

use std::sync::Arc;
use std::time::Duration;

use crate::hardware::Client;
use crate::pipeline::{Context, forget_ended};
use crate::service;

/// Receipts that could not be written are tried again so often.
const RECEIPTS: Duration = Duration::from_secs(60);

/// Ended jobs are gone through so often.
const EACH: Duration = Duration::from_secs(3600);

/// Forgets jobs that ended longer ago than `keep`.
pub(super) async fn run(context: Arc<Context<Client>>, keep: Duration) {
    let mut news = context.news.subscribe();
    let mut hour = tokio::time::interval(EACH);
    let mut minute = tokio::time::interval(RECEIPTS);
    loop {
        tokio::select! {
            _ = hour.tick() => {
                if let Err(error) = forget_ended(&context, keep).await {
                    tracing::error!("ended jobs cannot be forgotten: {error}");
                }
            }
            _ = minute.tick() => context.write_missing_receipts().await,
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
