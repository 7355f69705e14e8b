//! The rows by job.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::{Notify, watch};

use super::inf::{InfText, RowInf};
use super::names::NameInterner;
use super::ring::ring_of;
use super::row::Row;
use dropship_job::{Event, Job, JobId};

/// Maximum number of rows. Older packages are left out, and the page says so.
const MAX_ROWS: usize = 500_000;

/// Number of changes after which the observer of events applies them, if no reader uses the rows.
const MANY_CHANGES: usize = 256;

/// The packages in memory.
#[derive(Debug)]
pub struct JobRows {
    rows: RwLock<Rows>,
    changes: Mutex<PendingChanges>,
    /// Counts the changes, for those who wait for one.
    change_count: watch::Sender<u64>,
    /// Notified when a package waits for its INFs.
    pub(super) unread: Notify,
}

/// The rows, and how complete they are.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(super) by_id: BTreeMap<JobId, Row>,
    completeness: RowCompleteness,
    /// Jobs that were pruned while the rows were read: reading may bring them back.
    pruned: BTreeSet<JobId>,
}

/// How complete the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RowCompleteness {
    /// The store is being read, newest package first.
    #[default]
    Reading,
    /// All packages are there; the INFs of older ones are being read.
    WithoutInfs,
    /// Everything is there.
    Complete,
    /// Packages older than the first [`MAX_ROWS`] are left out.
    Limited,
}

#[derive(Debug, Default)]
struct PendingChanges {
    names: NameInterner,
    list: Vec<RowChange>,
    /// Jobs whose record has to be read.
    unread: BTreeSet<JobId>,
}

#[derive(Debug)]
enum RowChange {
    Row(Box<Row>),
    Pruned(JobId),
}

impl Default for JobRows {
    fn default() -> Self {
        let (change_count, _) = watch::channel(0);
        Self { rows: RwLock::default(), changes: Mutex::default(), change_count, unread: Notify::new() }
    }
}

impl JobRows {
    /// Notes that events of a job were committed. It blocks for no reader.
    pub fn on_event(&self, job: &Job, events: &[Event]) {
        let has_record = |event: &Event| {
            matches!(event, Event::Accepted { .. } | Event::Rejected { .. } | Event::Replanned { .. })
        };
        self.change(job, events.iter().any(has_record));
    }

    /// Notes a job whose earlier events may not be known here. Its record is read, unless the row shows the same state with it.
    pub fn on_found(&self, job: &Job) {
        let is_known = |row: &Row| row.rev == job.rev() && row.infs.is_some();
        let is_unread = !self.rows.read().by_id.get(job.id()).is_some_and(is_known);
        self.change(job, is_unread);
    }

    fn change(&self, job: &Job, is_unread: bool) {
        let mut changes = self.changes.lock();
        let row = Row::of(job, &mut changes.names);
        if is_unread {
            changes.unread.insert(row.id.clone());
        }
        self.add(&mut changes, RowChange::Row(Box::new(row)));
        drop(changes);
        if is_unread {
            self.unread.notify_one();
        }
    }

    /// Notes that a job was pruned from the store.
    pub fn on_pruned(&self, id: &JobId) {
        self.add(&mut self.changes.lock(), RowChange::Pruned(id.clone()));
    }

    fn add(&self, changes: &mut PendingChanges, change: RowChange) {
        changes.list.push(change);
        if changes.list.len() >= MANY_CHANGES
            && let Some(mut rows) = self.rows.try_write()
        {
            rows.apply(&mut changes.list);
        }
        self.change_count.send_modify(|count| *count += 1);
    }

    /// Adds jobs that were read from the store.
    pub(super) fn add_read(&self, jobs: &[Job]) {
        let mut rows: Vec<_> = {
            let mut changes = self.changes.lock();
            jobs.iter().map(|job| RowChange::Row(Box::new(Row::of(job, &mut changes.names)))).collect()
        };
        self.rows.write().apply(&mut rows);
    }

    /// Adds the INFs of a job, and the texts of its labels in the rule by their names.
    pub(super) fn add_record(&self, id: &JobId, infs: &[InfText<'_>], keys: &[(&str, &str)]) {
        let (infs, driver, rings) = {
            let names = &mut self.changes.lock().names;
            let rings: Vec<_> = keys.iter().map(|(name, key)| (*name, names.shared(&ring_of(key)))).collect();
            let infs = RowInf::all(infs, names);
            let driver =
                infs.split_first().and_then(|(first, others)| names.driver_number(&first.name, others.len()));
            (infs, driver, rings)
        };
        let mut rows = self.read_to_write();
        if let Some(row) = rows.by_id.get_mut(id) {
            row.set_infs(infs, driver);
            for label in &mut row.labels {
                let ring = rings.iter().find(|(name, _)| **name == *label.name);
                label.ring = ring.map(|(_, ring)| Arc::clone(ring));
            }
        }
        drop(rows);
        self.change_count.send_modify(|count| *count += 1);
    }

    /// The jobs whose record has to be read, and that have not been asked for.
    pub(super) fn take_unread(&self) -> BTreeSet<JobId> {
        std::mem::take(&mut self.changes.lock().unread)
    }

    /// The jobs without INFs, newest first.
    pub(super) fn without_infs(&self) -> Vec<JobId> {
        let rows = self.read();
        rows.by_id.values().rev().filter(|row| row.infs.is_none()).map(|row| row.id.clone()).collect()
    }

    /// Whether there is room for more rows.
    pub(super) fn has_room(&self) -> bool {
        self.rows.read().by_id.len() < MAX_ROWS
    }

    pub(super) fn set_completeness(&self, completeness: RowCompleteness) {
        let mut rows = self.rows.write();
        // It stays limited.
        if rows.completeness != RowCompleteness::Limited {
            rows.completeness = completeness;
        }
        if completeness != RowCompleteness::Reading {
            rows.pruned.clear();
        }
        drop(rows);
        self.change_count.send_modify(|count| *count += 1);
    }

    /// The revision of a job, with all changes.
    pub(crate) fn revision(&self, id: &JobId) -> Option<u64> {
        self.read().get(id).map(|row| row.rev)
    }

    /// The rows with all changes.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Rows> {
        drop(self.read_to_write());
        self.rows.read()
    }

    fn read_to_write(&self) -> parking_lot::RwLockWriteGuard<'_, Rows> {
        // The lock of the rows first: otherwise a newer change could be applied before an older one.
        let mut rows = self.rows.write();
        let mut list = std::mem::take(&mut self.changes.lock().list);
        rows.apply(&mut list);
        rows
    }

    /// Counts the changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.change_count.subscribe()
    }
}

impl Rows {
    /// How complete they are.
    pub(crate) fn completeness(&self) -> RowCompleteness {
        self.completeness
    }

    /// All rows, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Row> {
        self.by_id.values().rev()
    }

    /// The row of a job.
    pub(crate) fn get(&self, id: &JobId) -> Option<&Row> {
        self.by_id.get(id)
    }

    fn apply(&mut self, changes: &mut Vec<RowChange>) {
        for change in changes.drain(..) {
            match change {
                RowChange::Row(row) => self.insert(*row),
                RowChange::Pruned(id) => {
                    self.by_id.remove(&id);
                    if self.completeness == RowCompleteness::Reading {
                        self.pruned.insert(id);
                    }
                }
            }
        }
    }

    fn insert(&mut self, mut row: Row) {
        if self.pruned.contains(&row.id) {
            return;
        }
        match self.by_id.get_mut(&row.id) {
            Some(known) if known.rev > row.rev => {}
            Some(known) => {
                row.keep_record(known);
                *known = row;
            }
            None => {
                self.by_id.insert(row.id.clone(), row);
                if self.by_id.len() > MAX_ROWS {
                    self.by_id.pop_first();
                    self.completeness = RowCompleteness::Limited;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_job::testing::JobBuilder;

    fn job(number: u32) -> Job {
        JobBuilder::new("in", number).build().expect("a job")
    }

    fn ids(rows: &JobRows) -> Vec<JobId> {
        rows.read().newest_first().map(|row| row.id.clone()).collect()
    }

    #[test]
    fn pruned_job_does_not_come_back_while_the_store_is_read() {
        let rows = JobRows::default();
        let (old, new) = (job(1), job(2));
        rows.on_event(&new, &[]);
        rows.on_pruned(old.id());
        rows.add_read(&[new.clone(), old]);
        assert_eq!(ids(&rows), [new.id().clone()]);
        rows.set_completeness(RowCompleteness::WithoutInfs);
        rows.on_pruned(new.id());
        assert!(ids(&rows).is_empty());
    }

    #[test]
    fn infs_of_a_package_stay_when_its_job_changes() {
        let rows = JobRows::default();
        let job = job(1);
        rows.on_event(&job, &[]);
        assert_eq!(rows.without_infs(), [job.id().clone()]);
        let infs = [InfText { name: "echo.inf", provider: Some("Contoso"), version: None }];
        rows.add_record(job.id(), &infs, &[]);
        // Many events, without a reader.
        for _ in 0..2 * MANY_CHANGES {
            rows.on_event(&job, &[]);
        }
        let rows_now = rows.read();
        let row = rows_now.get(job.id()).expect("a row");
        assert_eq!((row.provider(), row.version()), (Some("Contoso"), None));
    }

    #[test]
    fn record_of_a_found_job_is_read_once() {
        let rows = JobRows::default();
        let job = job(1);
        rows.on_found(&job);
        assert_eq!(rows.take_unread(), [job.id().clone()].into());
        rows.add_record(job.id(), &[], &[]);
        // Compaction writes a snapshot of every job.
        rows.on_found(&job);
        assert!(rows.take_unread().is_empty());
    }
}
