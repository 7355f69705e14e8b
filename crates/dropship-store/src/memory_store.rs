//! The store in memory: the same tables and answers, durable while the process lives.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::commit::{Commit, CommitHandle};
use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::export::{self, ExportSink};
use crate::reads::{ReadCounter, Reads};
use crate::store::{HistoryEntry, Store};
use crate::tables::{ByteMap, KeyValue, Overlay, Tables, key, record, require_unknown};
use dropship_job::{Event, Job, JobId};

/// A store in memory, for tests and for commands that run without a store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<StoreContent>);

#[derive(Debug, Default)]
struct StoreContent {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    reads: ReadCounter,
    lines: Vec<Line>,
}

impl ByteMap for StoreContent {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.pairs.get(key);
        self.reads.note(found.map(|value| key.len() + value.len()));
        Ok(found.cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError> {
        let found = self.pairs.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let found: Vec<KeyValue> = found.map(|(key, value)| (key.clone(), value.clone())).collect();
        self.reads.note(found.iter().map(|(key, value)| key.len() + value.len()));
        Ok(found)
    }

    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let end = before.map_or_else(|| key::after(prefix), <[u8]>::to_vec);
        Ok(self.keys_found(self.pairs.range(prefix.to_vec()..end).rev().take(limit)))
    }

    fn first_keys(&self, prefix: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.keys_found(self.pairs.range(prefix.to_vec()..key::after(prefix)).take(limit)))
    }

    fn keys_between(&self, _: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.keys_found(self.pairs.range(from.to_vec()..to.to_vec())))
    }

    fn reads(&self) -> Reads {
        self.reads.read()
    }
}

impl StoreContent {
    fn record(&mut self, line: Line) -> Result<Vec<Job>, StoreError> {
        let mut view = Overlay::new(&*self);
        let jobs = record(&mut view, &line)?;
        let changes = view.changes;
        for (key, change) in changes {
            match change {
                Some(value) => self.pairs.insert(key, value),
                None => self.pairs.remove(&key),
            };
        }
        self.lines.push(line);
        Ok(jobs)
    }

    fn keys_found<'a>(&self, found: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>) -> Vec<Vec<u8>> {
        let keys: Vec<_> = found.map(|(key, _)| key.clone()).collect();
        self.reads.note(keys.iter().map(Vec::len));
        keys
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of commits so far.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.0.lock().lines.len()
    }

    /// Takes back all commits after the first `commits`, as a power cut takes back those that were not synced.
    ///
    /// # Errors
    /// None: they were accepted before.
    pub fn cut(&self, commits: usize) -> Result<(), StoreError> {
        let mut content = self.0.lock();
        let mut lines = std::mem::take(&mut *content).lines;
        lines.truncate(commits);
        for line in lines {
            content.record(line)?;
        }
        Ok(())
    }

    fn write(&self, commit: Commit) -> Result<Vec<Job>, StoreError> {
        let mut content = self.0.lock();
        if let Some(bytes) = &commit.unknown {
            require_unknown(&*content, bytes)?;
        }
        let seq = content.lines.len() as u64 + 1;
        content.record(Line::new(seq, commit.at, commit.entries))
    }
}

impl Store for MemoryStore {
    fn commit(&self, commit: Commit) -> CommitHandle {
        let (answer, handle) = oneshot::channel();
        drop(answer.send(self.write(commit)));
        CommitHandle::new(handle)
    }

    fn tables(&self) -> Tables<'_> {
        Tables::locked(MutexGuard::map(self.0.lock(), |content| content as &mut dyn ByteMap))
    }

    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        let content = self.0.lock();
        let mut history = Vec::new();
        for line in &content.lines {
            for entry in &line.entries {
                let of = |event: &Event| HistoryEntry { at: line.at, event: event.clone() };
                match entry {
                    Entry::Job { job, events, .. } if job == id => history.extend(events.iter().map(of)),
                    Entry::History { job, events } if job == id => {
                        history.extend(events.iter().map(|(_, event)| of(event)));
                    }
                    _ => {}
                }
            }
        }
        Ok(history)
    }

    fn export(&self, each: ExportSink<'_>) -> Result<(), StoreError> {
        let content = self.0.lock();
        export::export_content(&*content, each)?;
        for line in &content.lines {
            for entry in &line.entries {
                export::export_history(&*content, line.at, entry.clone(), each)?;
            }
        }
        Ok(())
    }
}
