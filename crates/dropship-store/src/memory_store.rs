//! The store in memory: the same tables and answers, durable while the process lives.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::commit::{Commit, CommitHandle};
use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::export::{self, Each};
use crate::published::{Device, DeviceName, DeviceQuery, LabelCheck, Publication, PublishedLabel, Target};
use crate::queries;
use crate::reads::{ReadCounter, Reads};
use crate::store::{Filter, HistoryEntry, Store};
use crate::tables::{Bytes, KnownFile, Overlay, Pair, devices, key, published, record, series};
use dropship_job::{Event, Job, JobId, RemoteId, StateKind};

/// A store in memory, for tests and for commands that run without a store.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    reads: ReadCounter,
    lines: Vec<Line>,
}

impl Bytes for Content {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.pairs.get(key);
        self.reads.note(found.map(|value| key.len() + value.len()));
        Ok(found.cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let found = self.pairs.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let found: Vec<Pair> = found.map(|(key, value)| (key.clone(), value.clone())).collect();
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
}

impl Content {
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

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        Bytes::job(&*self.0.lock(), id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        queries::open_jobs(&*self.0.lock())
    }

    fn receipts_pending(&self) -> Result<Vec<JobId>, StoreError> {
        queries::receipts_pending(&*self.0.lock())
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        queries::jobs(&*self.0.lock(), filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        queries::counts(&*self.0.lock())
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        queries::find(&*self.0.lock(), sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        queries::find_everywhere(&*self.0.lock(), sha256)
    }

    fn jobs_with_content(&self, content: &str, folder: Option<&str>) -> Result<Vec<JobId>, StoreError> {
        queries::jobs_with_content(&*self.0.lock(), content, folder)
    }

    fn owner(&self, remote: RemoteId) -> Result<Option<JobId>, StoreError> {
        queries::owner(&*self.0.lock(), remote)
    }

    fn known_file(&self, folder: &str, path: &str) -> Result<Option<KnownFile>, StoreError> {
        queries::known_file(&*self.0.lock(), folder, path)
    }

    fn known_files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        queries::known_files(&*self.0.lock(), folder)
    }

    fn files_with_digest(&self, folder: &str, sha256: &str) -> Result<Vec<String>, StoreError> {
        queries::files_with_digest(&*self.0.lock(), folder, sha256)
    }

    fn crashed_inspections(&self, sha256: &str) -> Result<u64, StoreError> {
        queries::crashed_inspections(&*self.0.lock(), sha256)
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        queries::settings(&*self.0.lock(), prefix)
    }

    fn published_label(&self, label: RemoteId) -> Result<Option<PublishedLabel>, StoreError> {
        published::published_label(&*self.0.lock(), label)
    }

    fn targets_of_label(&self, label: RemoteId) -> Result<Vec<Target>, StoreError> {
        published::targets_of(&*self.0.lock(), label)
    }

    fn devices(&self, query: DeviceQuery<'_>) -> Result<Vec<Device>, StoreError> {
        devices::devices(&*self.0.lock(), query)
    }

    fn labels_of_device(
        &self,
        device: DeviceName<'_>,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        devices::labels_of_device(&*self.0.lock(), device, before, limit)
    }

    fn older_in_series(&self, label: RemoteId) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::older(&*self.0.lock(), label)
    }

    fn arrived_in_series(&self, label: RemoteId, since: Timestamp) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::arrived_since(&*self.0.lock(), label, since)
    }

    fn newest_in_series(
        &self,
        series: &str,
        before: Option<RemoteId>,
        limit: usize,
    ) -> Result<Vec<RemoteId>, StoreError> {
        series::newest(&*self.0.lock(), series, before, limit)
    }

    fn reads(&self) -> Reads {
        self.0.lock().reads.read()
    }

    fn label_check(&self, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
        published::check_of(&*self.0.lock(), label)
    }

    fn labels_checked_before(&self, before: Timestamp, limit: usize) -> Result<Vec<RemoteId>, StoreError> {
        published::checked_before(&*self.0.lock(), before, limit)
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

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        let content = self.0.lock();
        export::present(&*content, each)?;
        for line in &content.lines {
            for entry in &line.entries {
                export::history(&*content, line.at, entry.clone(), each)?;
            }
        }
        Ok(())
    }
}
