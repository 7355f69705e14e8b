//! Log lines of notifications.

use super::{LogThrottle, id};
use dropship_job::counted;

/// A notification failed and will be retried. Failures are counted per target.
pub fn notification_failed(failures: &LogThrottle, target: &str, id: &str, why: &str) {
    let why = dropship_redact::mask(why);
    let Some(times) = failures.count(target) else {
        tracing::debug!(notify = target, notification = id, "notifying `{target}` failed again: {why}");
        return;
    };
    let count = if times > 1 { format!(" ({times} failures in a row)") } else { String::new() };
    tracing::warn!(
        event = "notification_failed",
        message_id = id::NOTIFY_FAILED,
        notify = target,
        notification = id,
        "notifying `{target}` failed{count}: {why}; will retry"
    );
}

/// A notification was delivered.
pub fn notified(failures: &LogThrottle, target: &str, id: &str) {
    tracing::debug!(event = "notified", notify = target, notification = id, "notified `{target}`: {id}");
    if let Some(times) = failures.reset(target) {
        tracing::info!(
            event = "notified_again",
            notify = target,
            "notifying `{target}` works again after {}",
            counted(times, "failure")
        );
    }
}

/// A notification could not be delivered within `give_up`, or could not be spooled.
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
