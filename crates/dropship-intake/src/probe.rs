//! Tests whether events arrive at all.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::{Config, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Maximum time that the event may take, with a margin for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the folder for reading, and returns whether the event for that arrives. Needs no permission to write.
///
/// It uses an inotify instance of its own, because the watcher does not ask for open events. A positive result does not
/// cover changes that other machines make: see `fstype` and `detect_missed_event` for those.
///
/// # Errors
/// There is no inotify instance left, or the folder cannot be watched or opened.
pub(crate) fn probe(dir: &Path) -> Result<bool, notify::Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let config = Config::default().with_event_kinds(EventKindMask::ACCESS_OPEN);
    let handler = move |event: notify::Result<notify::Event>| {
        if event.is_ok() {
            // If the channel is full, an event has arrived already.
            sender.try_send(()).ok();
        }
    };
    let mut watcher = RecommendedWatcher::new(handler, config)?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    File::open(dir)?;
    Ok(receiver.recv_timeout(TIMEOUT).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_local_folder_arrive() {
        let dir = tempfile::tempdir().unwrap();
        assert!(probe(dir.path()).unwrap());
    }

    #[test]
    fn missing_folder_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(probe(&dir.path().join("absent")).is_err());
    }
}
