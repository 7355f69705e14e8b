//! What happens to the daemon as a whole, and to its store.

use super::{Repeated, id};

/// The daemon takes and works on packages.
pub fn ready(status: &str, sandbox: bool) {
    let where_to = if sandbox { " a sandbox stands in for Microsoft" } else { "" };
    tracing::info!(
        event = "ready",
        message_id = id::READY,
        "dropship {} is ready: {status}{where_to}",
        env!("CARGO_PKG_VERSION")
    );
}

/// The daemon goes down.
pub fn stopping(running: usize) {
    tracing::info!(
        event = "stopping",
        message_id = id::STOPPING,
        "dropship ends; {running} jobs are in hand, their calls under way may end"
    );
}

/// Everything is put down.
pub fn stopped(took: std::time::Duration) {
    tracing::info!(
        event = "stopped",
        message_id = id::STOPPED,
        "dropship has ended; draining took {took:.1?}"
    );
}

/// A second signal: nothing is waited for any more.
pub fn stopped_at_once() {
    tracing::warn!(
        event = "stopped",
        message_id = id::STOPPED,
        "dropship ends at once, asked a second time; calls under way are looked for at the next start"
    );
}

/// Calls under way did not end in time.
pub fn drain_gave_up(running: usize) {
    tracing::warn!(
        event = "drain_gave_up",
        "{running} jobs did not end their calls in time; what they did is looked for at the next start"
    );
}

/// Parts hang: the watchdog goes hungry until they beat again.
pub fn hung(parts: &[(&str, std::time::Duration)]) {
    let parts: Vec<_> = parts.iter().map(|(part, age)| format!("{part} (silent for {age:.1?})")).collect();
    tracing::error!(
        event = "hung",
        message_id = id::HUNG,
        "A part hangs: {}; unless it goes on, systemd's watchdog restarts the daemon",
        parts.join(", ")
    );
}

/// Notifications that do not get through, by whom they are for: one that is away keeps all that wait from him.
static UNDELIVERED: Repeated = Repeated::new();

/// A notification did not get through; it is tried again.
pub fn notification_failed(target: &str, id: &str, why: &str) {
    let why = dropship_redact::mask(why);
    let Some(times) = UNDELIVERED.again(target) else {
        tracing::debug!(notify = target, notification = id, "Notifying `{target}` failed again: {why}");
        return;
    };
    let so_far = if times > 1 { format!(" ({times} failures in a row)") } else { String::new() };
    tracing::warn!(
        event = "notification_failed",
        message_id = id::NOTIFY_FAILED,
        notify = target,
        notification = id,
        "Notifying `{target}` failed, it is tried again{so_far}: {why}"
    );
}

/// A notification got through.
pub fn notified(target: &str, id: &str) {
    tracing::debug!(event = "notified", notify = target, notification = id, "Notified `{target}`: {id}");
    if let Some(times) = UNDELIVERED.over(target) {
        tracing::info!(
            event = "notified_again",
            notify = target,
            "Notifying `{target}` works again; {times} tries had failed"
        );
    }
}

/// A notification is given up.
pub fn notification_lost(target: &str, id: &str, why: &str) {
    tracing::error!(
        event = "notification_lost",
        message_id = id::NOTIFY_FAILED,
        notify = target,
        notification = id,
        "Notifying `{target}` of {id} was given up: {}",
        dropship_redact::mask(why)
    );
}

/// A store that began empty took up what an earlier one left.
pub fn taken_up(adopted: crate::reception::Adopted) {
    let crate::reception::Adopted { jobs, held } = adopted;
    if jobs > 0 {
        tracing::warn!(
            event = "taken_up",
            message_id = id::TAKEN_UP,
            "The store began empty: {jobs} jobs were taken up from receipts and captured packages, {held} of them wait for a person"
        );
    }
}

/// The store was damaged and rebuilt.
pub fn store_mended(aside: &std::path::Path, why: &str, lines: u64) {
    tracing::error!(
        event = "store_mended",
        message_id = id::STORE_MENDED,
        "The database of the store was of no use ({why}); it was put aside as {} and rebuilt from {lines} lines of the journal",
        aside.display()
    );
}

/// The store failed.
pub fn store_failed(message: &str) {
    tracing::error!(event = "store_failed", message_id = id::STORE_FAILED, "{message}");
}

/// The emergency brake was put on or taken off.
pub fn brake(folder: Option<&str>, on: bool) {
    let what = folder.map_or_else(|| "everything".to_owned(), |folder| format!("folder `{folder}`"));
    if on {
        tracing::warn!(
            event = "paused",
            folder,
            "Paused: {what}; nothing is created, committed or changed until `dropship resume`"
        );
    } else {
        tracing::info!(event = "resumed", folder, "Resumed: {what}");
    }
}

/// Another configuration is in force.
pub fn reloaded(by: &str, what: &str) {
    tracing::info!(event = "reloaded", by, "Reloaded, asked for by {by}: {what}");
}

/// Another configuration was refused; the old one stays in force.
pub fn reload_refused(by: &str, why: &str) {
    tracing::error!(
        event = "reload_refused",
        message_id = id::RELOAD_REFUSED,
        by,
        "The new configuration, asked for by {by}, is refused, and the old one stays in force: {why}"
    );
}
