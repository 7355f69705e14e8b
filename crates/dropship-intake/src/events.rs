//! The events of a folder that its task has not processed yet: a few paths, or a request to scan everything.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// Maximum number of pending paths. With more, a full scan is cheaper and safer.
const MAX_PENDING: usize = 1024;

/// The change of a path that an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileEvent {
    /// A writer closed it, or it was moved here.
    Finished,
    /// It was created: by a writer that still has it open, or complete, as a link.
    Created,
    /// It is gone.
    Removed,
}

/// The pending events of one folder. The thread that reads events from the kernel pushes them and must never block.
pub(crate) struct PendingEvents {
    /// Selects the paths to keep. Temporary files, for example, are irrelevant.
    is_relevant: Box<dyn Fn(&Path) -> bool + Send + Sync>,
    pending: Mutex<PendingPaths>,
    wakeup: Notify,
    /// Number of events since the start, relevant or not.
    events: AtomicU64,
    /// The directories whose events arrive here.
    dirs: Mutex<HashSet<Arc<Path>>>,
}

#[derive(Debug, Default)]
struct PendingPaths {
    paths: VecDeque<(PathBuf, FileEvent)>,
    is_scan_requested: bool,
}

impl PendingEvents {
    pub(crate) fn new(is_relevant: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self {
            is_relevant: Box::new(is_relevant),
            pending: Mutex::default(),
            wakeup: Notify::new(),
            events: AtomicU64::new(0),
            dirs: Mutex::default(),
        }
    }

    fn pending(&self) -> MutexGuard<'_, PendingPaths> {
        self.pending.lock()
    }

    pub(crate) fn dirs(&self) -> MutexGuard<'_, HashSet<Arc<Path>>> {
        self.dirs.lock()
    }

    /// Adds an event.
    pub(crate) fn push(&self, path: PathBuf, event: FileEvent) {
        self.events.fetch_add(1, Ordering::Relaxed);
        if !(self.is_relevant)(&path) {
            return;
        }
        {
            let mut pending = self.pending();
            if pending
                .paths
                .back()
                .is_some_and(|(last_path, last_event)| *last_path == path && *last_event == event)
            {
                return;
            }
            if pending.paths.len() < MAX_PENDING {
                pending.paths.push_back((path, event));
            } else {
                pending.is_scan_requested = true;
            }
        }
        self.wakeup.notify_one();
    }

    /// Requests a full scan, because events were lost or an operator asked for it.
    pub(crate) fn request_scan(&self) {
        self.pending().is_scan_requested = true;
        self.wakeup.notify_one();
    }

    /// Takes the oldest event.
    pub(crate) fn next(&self) -> Option<(PathBuf, FileEvent)> {
        self.pending().paths.pop_front()
    }

    /// Returns an event that could not be processed.
    pub(crate) fn put_back(&self, path: PathBuf, event: FileEvent) {
        self.pending().paths.push_front((path, event));
    }

    /// Whether a full scan was requested. Clears the request.
    pub(crate) fn take_scan_request(&self) -> bool {
        std::mem::take(&mut self.pending().is_scan_requested)
    }

    /// Whether a full scan was requested.
    pub(crate) fn is_scan_requested(&self) -> bool {
        self.pending().is_scan_requested
    }

    /// Whether there is neither an event nor a request.
    pub(crate) fn is_empty(&self) -> bool {
        let pending = self.pending();
        pending.paths.is_empty() && !pending.is_scan_requested
    }

    /// Returns when there is an event or a request. May return early.
    pub(crate) async fn wait(&self) {
        self.wakeup.notified().await;
    }

    /// Number of events since the start.
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_beyond_the_maximum_become_one_full_scan() {
        let pending = PendingEvents::new(|_| true);
        for number in 0..MAX_PENDING + 1 {
            pending.push(PathBuf::from(number.to_string()), FileEvent::Finished);
        }
        assert!(pending.take_scan_request());
        assert!(!pending.take_scan_request());
        assert_eq!(std::iter::from_fn(|| pending.next()).count(), MAX_PENDING);
    }

    #[test]
    fn irrelevant_event_is_counted_and_dropped() {
        let pending = PendingEvents::new(|path| path.ends_with("a.cab"));
        pending.push(PathBuf::from("/srv/a.cab.part"), FileEvent::Finished);
        pending.push(PathBuf::from("/srv/a.cab"), FileEvent::Finished);
        assert_eq!(pending.next(), Some((PathBuf::from("/srv/a.cab"), FileEvent::Finished)));
        assert_eq!((pending.next(), pending.events()), (None, 2));
    }

    #[tokio::test]
    async fn event_before_the_wait_ends_the_wait() {
        let pending = PendingEvents::new(|_| true);
        pending.push(PathBuf::from("a"), FileEvent::Created);
        pending.wait().await;
        assert_eq!(pending.next(), Some((PathBuf::from("a"), FileEvent::Created)));
    }
}
