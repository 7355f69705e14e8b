//! What events said since a folder's task last asked: few paths, or "look at all of it".

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// More paths than this in waiting, and a full look is cheaper and safer.
const MOST: usize = 1024;

/// What an event said of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// A writer closed it, or it was moved here.
    Finished,
    /// It was made: by a writer who is still at it, or whole, as a link.
    Made,
    /// It is not there any more.
    Removed,
}

/// The hints of one folder. Written by the thread that reads events, which must never wait.
pub(super) struct Hints {
    /// Of which paths to hear at all: others' temporary files are no news.
    wants: Box<dyn Fn(&Path) -> bool + Send + Sync>,
    waiting: Mutex<Waiting>,
    wake: Notify,
    /// Events since the start, for the curious.
    events: AtomicU64,
    /// The directories that these are of.
    pub(super) dirs: Mutex<HashSet<Arc<Path>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    paths: VecDeque<(PathBuf, Said)>,
    dirty: bool,
}

impl Hints {
    pub(super) fn new(wants: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        Self {
            wants: Box::new(wants),
            waiting: Mutex::default(),
            wake: Notify::new(),
            events: AtomicU64::new(0),
            dirs: Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event about one path.
    pub(super) fn path(&self, path: PathBuf, said: Said) {
        self.events.fetch_add(1, Ordering::Relaxed);
        if !(self.wants)(&path) {
            return;
        }
        {
            let mut waiting = self.waiting();
            if waiting.paths.back().is_some_and(|(last, about)| *last == path && *about == said) {
                return;
            }
            if waiting.paths.len() < MOST {
                waiting.paths.push_back((path, said));
            } else {
                waiting.dirty = true;
            }
        }
        self.wake.notify_one();
    }

    /// Events were lost, or somebody asks: a full look is due.
    pub(super) fn dirty(&self) {
        self.waiting().dirty = true;
        self.wake.notify_one();
    }

    /// The oldest hint.
    pub(super) fn next(&self) -> Option<(PathBuf, Said)> {
        self.waiting().paths.pop_front()
    }

    /// A hint that could not be followed now.
    pub(super) fn put_back(&self, path: PathBuf, said: Said) {
        self.waiting().paths.push_front((path, said));
    }

    /// Is a full look due? Asking takes it as done.
    pub(super) fn take_dirty(&self) -> bool {
        std::mem::take(&mut self.waiting().dirty)
    }

    /// Is a full look due?
    pub(super) fn is_dirty(&self) -> bool {
        self.waiting().dirty
    }

    /// Nothing was said that has not been asked for.
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.paths.is_empty() && !waiting.dirty
    }

    /// Returns when there is something; may return early.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }

    pub(super) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_paths_becomes_one_full_look() {
        let hints = Hints::new(|_| true);
        for number in 0..MOST + 1 {
            hints.path(PathBuf::from(number.to_string()), Said::Finished);
        }
        assert!(hints.take_dirty());
        assert!(!hints.take_dirty());
        assert_eq!(std::iter::from_fn(|| hints.next()).count(), MOST);
    }

    #[test]
    fn what_nobody_wants_is_counted_and_forgotten() {
        let hints = Hints::new(|path| path.ends_with("a.cab"));
        hints.path(PathBuf::from("/srv/a.cab.part"), Said::Finished);
        hints.path(PathBuf::from("/srv/a.cab"), Said::Finished);
        assert_eq!(hints.next(), Some((PathBuf::from("/srv/a.cab"), Said::Finished)));
        assert_eq!((hints.next(), hints.events()), (None, 2));
    }

    #[tokio::test]
    async fn a_hint_given_before_the_wait_is_not_lost() {
        let hints = Hints::new(|_| true);
        hints.path(PathBuf::from("a"), Said::Made);
        hints.wait().await;
        assert_eq!(hints.next(), Some((PathBuf::from("a"), Said::Made)));
    }
}
