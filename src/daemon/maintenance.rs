//! Periodic work: forget ended jobs, remove old results, retry receipts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use dropship_engine::pipeline::{Pipeline, clear_results, forget_ended, until_clearing};
use dropship_hardware::Client;

/// Interval between attempts to write receipts that could not be written before.
const RECEIPTS_INTERVAL: Duration = Duration::from_secs(60);

/// Interval between passes over ended jobs.
const RETENTION_INTERVAL: Duration = Duration::from_secs(3600);

/// Delay before the first pass: the clock may be wrong while the machine boots.
const FIRST_RETENTION: Duration = Duration::from_secs(600);

/// Ends the daemon when the store can no longer be written, even if no job runs that would detect it.
pub(super) async fn watch_store(
    pipeline: Arc<Pipeline<Client>>,
    mut stopped: watch::Receiver<Option<String>>,
) {
    let why = match stopped.wait_for(Option::is_some).await {
        Ok(why) => why.clone(),
        Err(_) => return,
    };
    pipeline.report_store_failure(why.unwrap_or_default());
}

/// Forgets jobs that ended longer ago than `keep` and removes old results; `store` is the store's folder.
pub(super) async fn run(pipeline: Arc<Pipeline<Client>>, keep: Duration, store: PathBuf) {
    let mut retention =
        tokio::time::interval_at(tokio::time::Instant::now() + FIRST_RETENTION, RETENTION_INTERVAL);
    let mut receipts = tokio::time::interval(RECEIPTS_INTERVAL);
    let mut clearing = tokio::time::Instant::now() + until_clearing(&pipeline, FIRST_RETENTION);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(clearing) => {
                if let Err(error) = clear_results(&pipeline, &store).await {
                    tracing::error!("cannot remove old results from the outboxes: {error}");
                }
                clearing = tokio::time::Instant::now() + until_clearing(&pipeline, RETENTION_INTERVAL);
            }
            _ = retention.tick() => {
                if let Err(error) = forget_ended(&pipeline, keep).await {
                    tracing::error!("cannot forget ended jobs: {error}");
                }
            }
            _ = receipts.tick() => pipeline.receipts().write_missing().await,
        }
    }
}
