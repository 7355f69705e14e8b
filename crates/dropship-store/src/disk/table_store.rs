//! A store that answers from its tables in sled. Its journal is in files, or shared with other nodes.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use jiff::Timestamp;

use crate::commit::{Commit, CommitHandle};
use crate::disk::database::Database;
use crate::disk::histories::Histories;
use crate::error::StoreError;
use crate::export::{self, Each};
use crate::finding::Finding;
use crate::published::{Device, DeviceName, DeviceQuery, LabelCheck, Publication, PublishedLabel, Target};
use crate::queries;
use crate::reads::Reads;
use crate::store::{Filter, HistoryEntry, Store};
use crate::tables::{Bytes, KnownFile, devices, published, series};
use crate::writer::Writer;
use dropship_job::{Job, JobId, RemoteId, StateKind};

/// A store with tables in a folder.
pub struct TableStore<H> {
    // Dropped first: the writer flushes the tables before the lock is released.
    pub(crate) writer: Writer,
    pub(crate) tables: Arc<Database>,
    pub(crate) histories: H,
    pub(crate) _lock: File,
}

impl<H> TableStore<H> {
    /// The reason, once the store has stopped after an error and acknowledges nothing any more.
    #[must_use]
    pub fn stopped(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.writer.stopped()
    }
}

impl<H: Histories> Store for TableStore<H> {
    fn commit(&self, commit: Commit) -> CommitHandle {
        match self.histories.refusal() {
            Some(error) => CommitHandle::refused(error),
            None => self.writer.commit(commit),
        }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.tables.job(id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        queries::open_jobs(&*self.tables)
    }

    fn receipts_pending(&self) -> Result<Vec<JobId>, StoreError> {
        queries::receipts_pending(&*self.tables)
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        queries::jobs(&*self.tables, filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        queries::counts(&*self.tables)
    }

    fn count(&self, state: StateKind) -> Result<usize, StoreError> {
        queries::count(&*self.tables, state)
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        queries::find(&*self.tables, sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        queries::find_everywhere(&*self.tables, sha256)
    }

    fn jobs_with_content(&self, content: &str, folder: Option<&str>) -> Result<Vec<JobId>, StoreError> {
        queries::jobs_with_content(&*self.tables, content, folder)
    }

    fn owner(&self, remote: RemoteId) -> Result<Option<JobId>, StoreError> {
        queries::owner(&*self.tables, remote)
    }

    fn known_file(&self, folder: &str, path: &str) -> Result<Option<KnownFile>, StoreError> {
        queries::known_file(&*self.tables, folder, path)
    }

    fn known_files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        queries::known_files(&*self.tables, folder)
    }

    fn files_with_digest(&self, folder: &str, sha256: &str) -> Result<Vec<String>, StoreError> {
        queries::files_with_digest(&*self.tables, folder, sha256)
    }

    fn crashed_inspections(&self, sha256: &str) -> Result<u64, StoreError> {
        queries::crashed_inspections(&*self.tables, sha256)
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        queries::settings(&*self.tables, prefix)
    }

    fn published_label(&self, label: RemoteId) -> Result<Option<PublishedLabel>, StoreError> {
        published::published_label(&*self.tables, label)
    }

    fn targets_of_label(&self, label: RemoteId) -> Result<Vec<Target>, StoreError> {
        published::targets_of(&*self.tables, label)
    }

    fn devices(&self, query: DeviceQuery<'_>) -> Result<Vec<Device>, StoreError> {
        devices::devices(&*self.tables, query)
    }

    fn labels_of_device(
        &self,
        device: DeviceName<'_>,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        devices::labels_of_device(&*self.tables, device, before, limit)
    }

    fn older_in_series(&self, label: RemoteId) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::older(&*self.tables, label)
    }

    fn arrived_in_series(&self, label: RemoteId, since: Timestamp) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::arrived_since(&*self.tables, label, since)
    }

    fn newest_in_series(
        &self,
        series: &str,
        before: Option<RemoteId>,
        limit: usize,
    ) -> Result<Vec<RemoteId>, StoreError> {
        series::newest(&*self.tables, series, before, limit)
    }

    fn reads(&self) -> Reads {
        self.tables.reads()
    }

    fn label_check(&self, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
        published::check_of(&*self.tables, label)
    }

    fn labels_checked_before(&self, before: Timestamp, limit: usize) -> Result<Vec<RemoteId>, StoreError> {
        published::checked_before(&*self.tables, before, limit)
    }

    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.histories.history(id)
    }

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        export::present(&*self.tables, each)?;
        self.histories.each_line(&mut |line| {
            for entry in line.entries {
                export::history(&*self.tables, line.at, entry, each)?;
            }
            Ok(())
        })
    }

    fn away(&self) -> Option<String> {
        self.histories.away()
    }

    fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.histories.check(&self.tables)
    }
}
