//! Log lines of the daemon as a whole.

use std::time::Duration;

use super::id;
use super::level::{LogLevel, set_log_level};
use dropship_job::counted;

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
    let awaited = match running {
        0 => String::new(),
        count => format!("; waiting for the calls of {}", counted(count, "running job")),
    };
    tracing::info!(event = "stopping", message_id = id::STOPPING, "dropship is stopping{awaited}");
}

/// The daemon has shut down.
pub fn stopped(took: Duration) {
    tracing::info!(event = "stopped", message_id = id::STOPPED, "dropship has stopped after {took:.1?}");
}

/// A signal ends the daemon before it was ready.
pub fn stopped_while_starting() {
    tracing::warn!(
        event = "stopped",
        message_id = id::STOPPED,
        "dropship stops before it was ready, on request"
    );
}

/// A second signal ends the daemon without waiting for calls.
pub fn stopped_at_once() {
    tracing::warn!(
        event = "stopped",
        message_id = id::STOPPED,
        "dropship stops immediately after a second signal; calls in flight are checked at the next start"
    );
}

/// The file work or the reads of jobs or folders do not end; no call that changes something is in flight.
pub fn work_left_behind(running: usize) {
    tracing::warn!(
        event = "drain_gave_up",
        "file work of {} or of the folders did not end in time; a file system may hang. It continues at the next start",
        counted(running, "job")
    );
}

/// Calls in flight did not end in time.
pub fn drain_gave_up(running: usize) {
    tracing::warn!(
        event = "drain_gave_up",
        "calls of {} did not end in time; their effects are checked at the next start",
        counted(running, "job")
    );
}

/// The process exits although something has not ended.
pub fn exits_unfinished(awaited: &str, silent: &[(&str, Duration)], has_failed: bool) {
    let silent = match silent {
        [] => String::new(),
        silent => format!("; {}", components(silent)),
    };
    // A store that failed has said what it lost.
    let durable = if has_failed { "" } else { "all acknowledged changes are durable, and " };
    tracing::error!(
        event = "exits_unfinished",
        message_id = id::STOPPED,
        "dropship exits although {awaited} did not end in time{silent}; {durable}calls in flight are checked at the next start"
    );
}

fn components(stalled: &[(&str, Duration)]) -> String {
    let stalled: Vec<_> =
        stalled.iter().map(|(name, age)| format!("{name} (no sign of life for {age:.1?})")).collect();
    stalled.join(", ")
}

/// Components stopped sending heartbeats; the watchdog is not fed until they resume.
pub fn components_stalled(stalled: &[(&str, Duration)]) {
    tracing::error!(
        event = "stalled",
        message_id = id::STALLED,
        "stalled: {}; systemd's watchdog restarts the daemon unless this ends",
        components(stalled)
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
