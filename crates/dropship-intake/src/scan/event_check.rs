//! Checks whether events arrive, and whether they report every change.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::{FileTime, Identity};

/// Interval between tests whether events arrive, and how long a missed event makes a folder polled.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Tolerance in seconds around file times: the kernel's clock for them lags by some milliseconds, and events need time.
const TOLERANCE: i64 = 2;

/// Tests at most once per [`INTERVAL`] whether events of the folder, which is on device `dev`, arrive.
pub(super) fn test_arrival(context: &FolderContext, dev: u64) {
    let status = context.status();
    // After a failed test the watcher decides when to test the device again.
    if status.events_missing.is_none() && status.probed_at.is_some_and(|when| when.elapsed() < INTERVAL) {
        return;
    }
    drop(status);
    let missing = match context.watcher.events_arrive(&context.spec.path, dev) {
        Ok(true) => None,
        Ok(false) => Some(FolderIssue::polling(
            format!("events of {} do not arrive", context.spec.path.display()),
            "a sandbox or file system suppresses inotify; lower `poll`, or run outside of it",
        )),
        Err(error) => {
            tracing::debug!(folder = %context.spec.name, "cannot test whether events arrive: {error}");
            None
        }
    };
    let mut status = context.status();
    status.probed_at = Some(Instant::now());
    status.missed_event.take_if(|(when, _)| when.elapsed() >= INTERVAL);
    let new_issue = missing.clone().filter(|_| status.events_missing.is_none());
    status.events_missing = missing;
    drop(status);
    if let Some(issue) = new_issue {
        issue.report(&*context.events, &context.spec.name);
    }
}

/// A scan that started at `scan_started` found the unknown file at `path`. If it changed after `since`, an event should have
/// reported it.
///
/// This detects changes that no test can: other machines or containers that write to the folder without this kernel's
/// knowledge.
pub(crate) fn detect_missed_event(
    context: &FolderContext,
    path: &Path,
    since: FileTime,
    scan_started: FileTime,
) {
    let Some(identity) = Identity::of_file(&context.spec.path, path) else {
        return;
    };
    let changed = identity.ctime.secs;
    if changed <= since.secs + TOLERANCE || changed >= scan_started.secs - TOLERANCE {
        return;
    }
    let issue = FolderIssue::polling(
        format!("no event reported {}: this folder changes without events", path.display()),
        "another machine, container or host writes here; lower `poll` if that is too slow",
    );
    let is_new = context.status().missed_event.replace((Instant::now(), issue.clone())).is_none();
    if is_new {
        issue.report(&*context.events, &context.spec.name);
    }
}
