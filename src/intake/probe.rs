//! Do events arrive at all? Asked of each device at the start and each hour.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use notify::{Config, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Longer than any kernel takes, even one that swaps.
const WAIT: Duration = Duration::from_secs(2);

/// Opens the folder for reading and waits to be told of it; needs no permission to write there.
///
/// An inotify instance of its own: the one that watches does not ask for openings. Says nothing of
/// changes that other machines make; see `fstype` and the witness in `consider` for those.
///
/// # Errors
/// When it cannot be found out.
pub(super) fn probe(dir: &Path) -> Result<bool, notify::Error> {
    let (tell, told) = mpsc::sync_channel(1);
    let config = Config::default().with_event_kinds(EventKindMask::ACCESS_OPEN);
    let handler = move |event: notify::Result<notify::Event>| {
        if event.is_ok() {
            // Full: it has been told already.
            tell.try_send(()).ok();
        }
    };
    let mut watcher = RecommendedWatcher::new(handler, config)?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    File::open(dir)?;
    Ok(told.recv_timeout(WAIT).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_here() {
        let dir = tempfile::tempdir().unwrap();
        assert!(probe(dir.path()).unwrap());
        assert!(probe(&dir.path().join("absent")).is_err());
    }
}
