//! Files that cannot be admitted yet: still being written, incomplete, not settled or not readable.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::{FileTime, Identity};

/// Maximum number of remembered candidates (some MiB of memory). Only full scans find further ones.
const MAX_CANDIDATES: usize = 16_384;

/// Maximum interval between checks of a file that has a writer or cannot be read.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Why intake evaluates a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// An event: a writer closed it, or it was moved here.
    Finished,
    /// An event: it was created.
    Created,
    /// An event about its marker or sidecar.
    Companion,
    /// A scan found it.
    Scan {
        /// Start of the initial scan, while it lasts: files from before that time are the backlog.
        backlog_before: Option<FileTime>,
    },
    /// Its scheduled check is due.
    Due,
}

/// The stage at which a file was last offered in its present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OfferStage {
    /// Never.
    None,
    /// When it was found.
    Found,
    /// Unchanged for `settle`.
    Settled,
    /// Unchanged long enough for a negative verdict to count. On a local folder, that is `settle` too.
    Final,
    /// Unchanged for `incomplete`.
    Stale,
}

/// The bytes that the receiver saw in a file of a polled folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenBytes {
    pub(crate) sha256: [u8; 32],
    /// When the file was first seen with these bytes.
    pub(crate) since: Instant,
}

/// A file that waits to be admitted.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The state in which it was last seen.
    pub(crate) identity: Identity,
    /// When it was first seen in that state.
    pub(crate) since: Instant,
    /// When to check it next.
    pub(crate) due: Instant,
    /// Interval to the check after that, while it has a writer or cannot be read.
    pub(crate) backoff: Duration,
    /// The last stage at which it was offered in this state.
    pub(crate) offered: OfferStage,
    /// It was in the folder when the initial scan started.
    pub(crate) is_backlog: bool,
    /// The daemon may not read it.
    pub(crate) is_unreadable: bool,
    /// State of its marker or sidecar when last seen.
    pub(crate) companion: Option<Identity>,
    /// When it was first seen unchanged although a writer keeps it open.
    pub(crate) held_open_since: Option<Instant>,
    /// In a polled folder: the bytes that the receiver last saw.
    pub(crate) bytes: Option<SeenBytes>,
}

impl Candidate {
    pub(crate) fn new(identity: Identity, now: Instant, is_backlog: bool) -> Self {
        Self {
            identity,
            since: now,
            due: now,
            backoff: Duration::ZERO,
            offered: OfferStage::None,
            is_backlog,
            is_unreadable: false,
            companion: None,
            held_open_since: None,
            bytes: None,
        }
    }

    /// Schedules the next check after an interval that doubles each time. An event or a full scan may come earlier.
    pub(crate) fn back_off(&mut self, settle: Duration, now: Instant) {
        self.backoff = (self.backoff * 2).clamp(settle, MAX_BACKOFF.max(settle));
        self.due = now + self.backoff;
    }
}

/// The candidates of one folder, ordered by when they are due.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    files: HashMap<Arc<Path>, Candidate>,
    due: BTreeSet<(Instant, Arc<Path>)>,
    unreadable_count: usize,
    dropped_count: u64,
}

impl Candidates {
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Candidate> {
        self.files.get(path)
    }

    /// Remembers a file. Beyond the maximum it is dropped until the next full scan.
    pub(crate) fn put(&mut self, path: &Path, candidate: Candidate) {
        self.remove(path);
        if self.files.len() >= MAX_CANDIDATES {
            self.dropped_count += 1;
            return;
        }
        let path: Arc<Path> = path.into();
        self.unreadable_count += usize::from(candidate.is_unreadable);
        self.due.insert((candidate.due, Arc::clone(&path)));
        self.files.insert(path, candidate);
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        if let Some((path, old)) = self.files.remove_entry(path) {
            self.unreadable_count -= usize::from(old.is_unreadable);
            self.due.remove(&(old.due, path));
        }
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// A candidate that is due. It is not removed.
    pub(crate) fn due(&self, now: Instant) -> Option<PathBuf> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, path)| path.to_path_buf())
    }

    /// A candidate that the daemon may not read, if there is any.
    pub(crate) fn unreadable(&self) -> Option<&Path> {
        if self.unreadable_count == 0 {
            return None;
        }
        self.files.iter().find(|(_, candidate)| candidate.is_unreadable).map(|(path, _)| path.as_ref())
    }

    /// How many were dropped since the last call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(due: Instant) -> Candidate {
        let time = FileTime { secs: 0, nanos: 0 };
        let identity = Identity { dev: 1, ino: 1, size: 1, mtime: time, ctime: time };
        Candidate { due, ..Candidate::new(identity, due, false) }
    }

    #[test]
    fn earliest_candidate_is_due_first() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut all = Candidates::default();
        all.put(Path::new("/a"), candidate(later));
        all.put(Path::new("/b"), candidate(start));
        assert_eq!(all.due(start), Some("/b".into()));
        assert_eq!((all.next_due(), all.len()), (Some(start), 2));
    }

    #[test]
    fn candidate_put_again_replaces_the_former_entry() {
        let start = Instant::now();
        let mut all = Candidates::default();
        all.put(Path::new("/a"), candidate(start));
        all.put(Path::new("/a"), candidate(start + Duration::from_secs(1)));
        assert_eq!((all.due(start), all.len()), (None, 1));
        all.remove(Path::new("/a"));
        assert_eq!((all.next_due(), all.len()), (None, 0));
    }

    #[test]
    fn candidates_beyond_the_maximum_are_dropped_and_counted() {
        let now = Instant::now();
        let mut all = Candidates::default();
        for number in 0..=MAX_CANDIDATES {
            all.put(Path::new(&format!("/{number}")), candidate(now));
        }
        assert_eq!((all.len(), all.take_dropped()), (MAX_CANDIDATES, 1));
    }

    #[test]
    fn backoff_doubles_from_settle_to_its_maximum() {
        let now = Instant::now();
        let mut file = candidate(now);
        let intervals: Vec<_> = std::iter::repeat_with(|| {
            file.back_off(Duration::from_secs(2), now);
            file.due.duration_since(now).as_secs()
        })
        .take(6)
        .collect();
        assert_eq!(intervals, [2, 4, 8, 16, 30, 30]);
    }
}
