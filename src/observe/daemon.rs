//! Log lines of the daemon as a whole.

use std::time::Duration;

use super::id;
use super::level::{LogLevel, set_log_level};

/// The daemon accepts and processes packages.
pub fn ready(status: &str, sandbox: bool) {
    let sandbox = if sandbox { ", using a sandbox in place of Microsoft" } else { "" };
    tracing::info!(
        event = "ready",
        message_id = id::READY,
        "dropship {} is ready{sandbox}: {status}",
        env!("CARGO_PKG_VERSION")
    );
}

/// The daemon shuts down.
pub fn stopping(running: usize) {
    tracing::info!(
        event = "stopping",
        message_id = id::STOPPING,
        "dropship is stopping; waiting for the calls of {running} running jobs"
    );
}

/// The daemon has shut down.
pub fn stopped(took: Duration) {
    tracing::info!(event = "stopped", message_id = id::STOPPED, "dropship has stopped after {took:.1?}");
}

/// A second signal ends the daemon without waiting for calls.
pub fn stopped_at_once() {
    tracing::warn!(
        event = "stopped",
        message_id = id::STOPPED,
        "dropship stops immediately after a second signal; calls in flight are checked at the next start"
    );
}

/// Calls in flight did not end in time.
pub fn drain_gave_up(running: usize) {
    tracing::warn!(
        event = "drain_gave_up",
        "calls of {running} jobs did not end in time; their effects are checked at the next start"
    );
}

/// Components stopped sending heartbeats; the watchdog is not fed until they resume.
pub fn components_stalled(components: &[(&str, Duration)]) {
    let components: Vec<_> =
        components.iter().map(|(name, age)| format!("{name} (no heartbeat for {age:.1?})")).collect();
    tracing::error!(
        event = "stalled",
        message_id = id::STALLED,
        "stalled: {}; systemd's watchdog restarts the daemon unless this ends",
        components.join(", ")
    );
}

/// The operator paused or resumed a folder or everything.
pub fn pause_changed(folder: Option<&str>, paused: bool) {
    let scope = folder.map_or_else(|| "everything".to_owned(), |folder| format!("folder `{folder}`"));
    if paused {
        tracing::warn!(
            event = "paused",
            folder,
            "paused {scope}: nothing is created, committed or changed at Microsoft until `dropship resume`"
        );
    } else {
        tracing::info!(event = "resumed", folder, "resumed {scope}");
    }
}

/// A new configuration is active.
pub fn reloaded(by: &str, changes: &str) {
    tracing::info!(event = "reloaded", by, "reloaded the configuration, requested by {by}: {changes}");
}

/// A new configuration was refused.
pub fn reload_refused(by: &str, why: &str) {
    tracing::error!(
        event = "reload_refused",
        message_id = id::RELOAD_REFUSED,
        by,
        "refused to reload the configuration, requested by {by}: {why}. The previous configuration stays active"
    );
}

/// Changes the level of the log, and logs the change. Returns the level before.
///
/// # Errors
/// When this process does not log.
pub fn log_level_changed(level: LogLevel, by: &str) -> anyhow::Result<LogLevel> {
    let previous = set_log_level(level)?;
    let (new, old) = (level.as_str(), previous.as_str());
    tracing::info!(
        event = "log_level",
        "{by} changed the log level from {old} to {new}, until the next start"
    );
    Ok(previous)
}
