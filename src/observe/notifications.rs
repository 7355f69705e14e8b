//! Log lines of notifications.

use super::{LogThrottle, id};

/// A notification failed and will be retried. A target that fails does so for all its notifications.
pub fn notification_failed(failures: &LogThrottle, target: &str, id: &str, why: &str) {
    let why = dropship_redact::mask(why);
    let Some(times) = failures.count(target) else {
        tracing::debug!(notify = target, notification = id, "notifying `{target}` failed again: {why}");
        return;
    };
    let so_far = if times > 1 { format!(" ({times} failures in a row)") } else { String::new() };
    tracing::warn!(
        event = "notification_failed",
        message_id = id::NOTIFY_FAILED,
        notify = target,
        notification = id,
        "notifying `{target}` failed{so_far}: {why}; will retry"
    );
}

/// A notification was delivered.
pub fn notified(failures: &LogThrottle, target: &str, id: &str) {
    tracing::debug!(event = "notified", notify = target, notification = id, "notified `{target}`: {id}");
    if let Some(times) = failures.reset(target) {
        tracing::info!(
            event = "notified_again",
            notify = target,
            "notifying `{target}` works again after {times} failures"
        );
    }
}

/// A notification was given up.
pub fn notification_lost(target: &str, id: &str, why: &str) {
    tracing::error!(
        event = "notification_lost",
        message_id = id::NOTIFY_FAILED,
        notify = target,
        notification = id,
        "gave up notifying `{target}` of {id}: {}",
        dropship_redact::mask(why)
    );
}
