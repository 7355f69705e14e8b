//! What has to be done now and then: forget ended jobs, and write receipts that could not be written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::pipeline::{Context, clear_results, forget_ended, until_clearing};
use dropship_hardware::Client;

/// Receipts that could not be written are tried again so often.
const RECEIPTS: Duration = Duration::from_secs(60);

/// Ended jobs are gone through so often.
const EACH: Duration = Duration::from_secs(3600);

/// And not at once: a clock that is wrong while the machine boots is set by then.
const FIRST: Duration = Duration::from_secs(600);

/// A daemon whose store acknowledges nothing any more ends, also when no job is at work to notice.
pub(super) async fn end_with_the_store(
    context: Arc<Context<Client>>,
    mut stopped: watch::Receiver<Option<String>>,
) {
    if let Ok(why) = stopped.wait_for(Option::is_some).await {
        context.broken.send_replace(why.clone());
    }
}

/// Forgets jobs that ended longer ago than `keep`, and clears results away; `store` is the store's folder.
pub(super) async fn run(context: Arc<Context<Client>>, keep: Duration, store: PathBuf) {
    let mut hour = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, EACH);
    let mut minute = tokio::time::interval(RECEIPTS);
    let mut clearing = tokio::time::Instant::now() + until_clearing(&context, FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(clearing) => {
                if let Err(error) = clear_results(&context, &store).await {
                    tracing::error!("results cannot be cleared away: {error}");
                }
                clearing = tokio::time::Instant::now() + until_clearing(&context, EACH);
            }
            _ = hour.tick() => {
                if let Err(error) = forget_ended(&context, keep).await {
                    tracing::error!("ended jobs cannot be forgotten: {error}");
                }
            }
            _ = minute.tick() => context.write_missing_receipts().await,
        }
    }
}
