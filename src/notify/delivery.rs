//! Delivers the spooled notifications of one target.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::notification::Notification;
use super::target::NotifyTarget;
use super::{command, spool_folder};
use dropship_config::model::Via;
use dropship_hardware::Backoff;

/// Delay after failed deliveries.
const BACKOFF: Backoff = Backoff::DEFAULT;

/// Delivers until `stop`. An interrupted delivery is repeated at the next start.
pub(super) async fn run(target: Arc<NotifyTarget>, stop: CancellationToken) {
    let mut failures = 0;
    loop {
        let wakeup = target.wakeup.notified();
        let round = async {
            let is_empty = deliver_all(&target).await;
            if is_empty {
                failures = 0;
                wakeup.await;
            } else {
                failures += 1;
                // A new notification ends the delay: it may be delivered although an older one fails.
                drop(tokio::time::timeout(BACKOFF.delay(failures), wakeup).await);
            }
        };
        tokio::select! {
            () = round => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Tries each pending notification once. Returns whether the spool is empty.
async fn deliver_all(target: &NotifyTarget) -> bool {
    let pending = match spool_folder::list_pending(&target.spool) {
        Ok(pending) => pending,
        Err(error) => {
            tracing::error!(
                "cannot read the notifications for `{}` in {}: {error}; they are not delivered until it can be read",
                target.name(),
                target.spool.display()
            );
            return false;
        }
    };
    let mut is_empty = true;
    for path in pending {
        is_empty &= deliver(target, &path).await;
    }
    is_empty
}

/// Tries one notification. Returns whether it was removed from the spool.
async fn deliver(target: &NotifyTarget, path: &Path) -> bool {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    let parsed = read
        .and_then(|text| serde_json::from_slice::<Notification>(&text).map_err(|error| error.to_string()));
    let notification = match parsed {
        Ok(notification) => notification,
        Err(error) => {
            dropship_engine::observe::notification_lost(target.name(), &path.display().to_string(), &error);
            return std::fs::rename(path, path.with_extension("bad")).is_ok();
        }
    };
    let result = match (&target.config.via, &target.webhook) {
        (Via::Command(command), _) => command::run(command, &notification, target.config.timeout).await,
        (Via::Webhook { .. }, Some(webhook)) => webhook.send(&notification).await,
        (Via::Webhook { .. }, None) => Err("the webhook has no client".to_owned()),
    };
    let age = Timestamp::now().duration_since(notification.at);
    let give_up = SignedDuration::try_from(target.config.give_up).unwrap_or(SignedDuration::MAX);
    match result {
        Ok(()) => {
            target.counts.delivered.fetch_add(1, Ordering::Relaxed);
            dropship_engine::observe::notified(&target.failures, target.name(), &notification.id);
        }
        Err(why) if age > give_up => {
            target.counts.given_up.fetch_add(1, Ordering::Relaxed);
            dropship_engine::observe::notification_lost(target.name(), &notification.id, &why);
        }
        Err(why) => {
            target.counts.failed.fetch_add(1, Ordering::Relaxed);
            dropship_engine::observe::notification_failed(
                &target.failures,
                target.name(),
                &notification.id,
                &why,
            );
            return false;
        }
    }
    if let Err(error) = std::fs::remove_file(path) {
        tracing::error!(
            "cannot remove the delivered notification {}: {error}; it will be delivered again",
            path.display()
        );
        return false;
    }
    true
}
