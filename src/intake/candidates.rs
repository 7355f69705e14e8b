//! Files that are not packages yet: being written, not whole, not settled, not readable.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Identity;

/// More than this in waiting, and further ones are only seen by full looks; some MiB of memory.
const MOST: usize = 16_384;

/// What is remembered of a file that waits.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The state that it was last seen in.
    pub(super) identity: Identity,
    /// Since when it has been in that state, on our clock.
    pub(super) since: Instant,
    /// When to look at it next.
    pub(super) due: Instant,
    /// How long to the look after that, while a writer is at it or it cannot be read.
    pub(super) pace: Duration,
    /// What has been said of it to the desk in this state.
    pub(super) offered: Offered,
    /// It lay there at the first look.
    pub(super) backlog: bool,
    /// It may not be read.
    pub(super) unreadable: bool,
    /// The marker or sidecar beside it, when it was last seen.
    pub(super) companion: Option<Identity>,
    /// Since when a writer has had it open, though nothing changes.
    pub(super) held_open: Option<Instant>,
}

/// How far an identity has been offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Offered {
    /// Not at all.
    No,
    /// As it was found.
    Found,
    /// When it had settled.
    Settled,
    /// When it was stale.
    Stale,
}

impl Candidate {
    pub(super) fn new(identity: Identity, now: Instant, backlog: bool) -> Self {
        Self {
            identity,
            since: now,
            due: now,
            pace: Duration::ZERO,
            offered: Offered::No,
            backlog,
            unreadable: false,
            companion: None,
            held_open: None,
        }
    }
}

/// The candidates of one folder, and which is due next.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    files: HashMap<Arc<Path>, Candidate>,
    due: BTreeSet<(Instant, Arc<Path>)>,
    unreadable: usize,
    refused: u64,
}

impl Candidates {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Candidate> {
        self.files.get(path)
    }

    /// Remembers a file, or forgets it until the next full look if there are too many.
    pub(super) fn put(&mut self, path: &Path, candidate: Candidate) {
        self.remove(path);
        if self.files.len() >= MOST {
            self.refused += 1;
            return;
        }
        let path: Arc<Path> = path.into();
        self.unreadable += usize::from(candidate.unreadable);
        self.due.insert((candidate.due, Arc::clone(&path)));
        self.files.insert(path, candidate);
    }

    pub(super) fn remove(&mut self, path: &Path) {
        if let Some((path, old)) = self.files.remove_entry(path) {
            self.unreadable -= usize::from(old.unreadable);
            self.due.remove(&(old.due, path));
        }
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// One that is due; it stays in here.
    pub(super) fn due(&self, now: Instant) -> Option<PathBuf> {
        self.due.first().filter(|(due, _)| *due <= now).map(|(_, path)| path.to_path_buf())
    }

    /// One that may not be read, if there is any.
    pub(super) fn unreadable(&self) -> Option<&Path> {
        if self.unreadable == 0 {
            return None;
        }
        self.files.iter().find(|(_, candidate)| candidate.unreadable).map(|(path, _)| path.as_ref())
    }

    /// How many did not fit since it was last asked.
    pub(super) fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Stamp;

    fn candidate(due: Instant) -> Candidate {
        let stamp = Stamp { secs: 0, nanos: 0 };
        let identity = Identity { dev: 1, ino: 1, size: 1, mtime: stamp, ctime: stamp };
        Candidate { due, ..Candidate::new(identity, due, false) }
    }

    #[test]
    fn the_earliest_is_due_first_and_a_newer_word_replaces_the_older() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut all = Candidates::default();
        all.put(Path::new("/a"), candidate(later));
        all.put(Path::new("/b"), candidate(start));
        assert_eq!(all.due(start), Some("/b".into()));
        all.put(Path::new("/b"), candidate(later + Duration::from_secs(1)));
        assert_eq!(all.due(start), None);
        assert_eq!((all.next_due(), all.len()), (Some(later), 2));
        all.remove(Path::new("/a"));
        all.remove(Path::new("/b"));
        assert_eq!((all.next_due(), all.len()), (None, 0));
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let mut all = Candidates::default();
        for number in 0..=MOST {
            all.put(Path::new(&format!("/{number}")), candidate(now));
        }
        assert_eq!((all.len(), all.take_refused()), (MOST, 1));
    }
}
