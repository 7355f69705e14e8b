//! The in-memory twin: the same tables and answers, durable as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::entry::{Entry, Line};
use super::export::{self, Each};
use super::queries;
use super::tables::{self, Bytes, Overlay, Pair, Seen, record};
use super::{Commit, Filter, Store, StoreError, Ticket, Told};
use dropship_job::{Event, Job, JobId, StateKind};

/// A store in memory, for tests and for asking without a store.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    lines: Vec<Line>,
}

impl Bytes for Inner {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.pairs.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let found = self.pairs.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl Memory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, commit: Commit) -> Result<Vec<Job>, StoreError> {
        let mut inner = self.inner();
        let seq = inner.lines.len() as u64 + 1;
        let line = Line::new(seq, commit.at, commit.entries);
        let mut view = Overlay::new(&*inner);
        let jobs = record(&mut view, &line)?;
        let changes = view.changes;
        for (key, change) in changes {
            match change {
                Some(value) => inner.pairs.insert(key, value),
                None => inner.pairs.remove(&key),
            };
        }
        inner.lines.push(line);
        Ok(jobs)
    }
}

impl Store for Memory {
    fn commit(&self, commit: Commit) -> Ticket {
        let (answer, ticket) = oneshot::channel();
        drop(answer.send(self.write(commit)));
        Ticket(ticket)
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        Bytes::job(&*self.inner(), id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        queries::open_jobs(&*self.inner())
    }

    fn unreceipted(&self) -> Result<Vec<JobId>, StoreError> {
        queries::unreceipted(&*self.inner())
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        queries::jobs(&*self.inner(), filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        queries::counts(&*self.inner())
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        queries::find(&*self.inner(), sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        queries::find_everywhere(&*self.inner(), sha256)
    }

    fn owner(&self, remote: u64) -> Result<Option<JobId>, StoreError> {
        queries::owner(&*self.inner(), remote)
    }

    fn seen(&self, folder: &str, path: &str) -> Result<Option<Seen>, StoreError> {
        queries::seen(&*self.inner(), folder, path)
    }

    fn seen_in(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        queries::seen_in(&*self.inner(), folder)
    }

    fn lies(&self, folder: &str, sha256: &str) -> Result<bool, StoreError> {
        tables::lies_in(&*self.inner(), folder, sha256)
    }

    fn inspecting(&self, sha256: &str) -> Result<u64, StoreError> {
        queries::inspecting(&*self.inner(), sha256)
    }

    fn flags(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        queries::flags(&*self.inner(), prefix)
    }

    fn story(&self, id: &JobId) -> Result<Vec<Told>, StoreError> {
        let inner = self.inner();
        let mut story = Vec::new();
        for line in &inner.lines {
            for entry in &line.entries {
                let tell = |event: &Event| Told { at: line.at, event: event.clone() };
                match entry {
                    Entry::Job { job, events, .. } if job == id => story.extend(events.iter().map(tell)),
                    Entry::History { job, events } if job == id => {
                        story.extend(events.iter().map(|(_, event)| tell(event)));
                    }
                    _ => {}
                }
            }
        }
        Ok(story)
    }

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        let inner = self.inner();
        export::standing(&*inner, each)?;
        for line in &inner.lines {
            for entry in &line.entries {
                export::told(&*inner, line.at, entry.clone(), each)?;
            }
        }
        Ok(())
    }
}
