//! A store at each commit of which the daemon can crash. Its contents outlive the daemon.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::crash_points::{CrashPoint, CrashSwitch, Side, writes};
use dropship_job::{Job, JobId, RemoteId, StateKind};
use dropship_store::{
    Commit, CommitHandle, Device, DeviceName, DeviceQuery, Each, Filter, HistoryEntry, KnownFile, LabelCheck,
    MemoryStore, Publication, PublishedLabel, Reads, Store, StoreError, Target,
};

pub(super) struct CrashingStore {
    pub(super) memory: Arc<MemoryStore>,
    pub(super) crash: Arc<CrashSwitch>,
}

impl Store for CrashingStore {
    fn commit(&self, commit: Commit) -> CommitHandle {
        let written = writes(&commit.entries);
        if !self.crash.pass(CrashPoint::Write(written.clone()), Side::Before) {
            return CommitHandle::lost();
        }
        let durable = commit.durable;
        let handle = self.memory.commit(commit);
        if durable {
            self.crash.synced(self.memory.commits());
        }
        if self.crash.pass(CrashPoint::Write(written), Side::After) { handle } else { CommitHandle::lost() }
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.memory.job(id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        self.memory.open_jobs()
    }

    fn receipts_pending(&self) -> Result<Vec<JobId>, StoreError> {
        self.memory.receipts_pending()
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        self.memory.jobs(filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        self.memory.counts()
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        self.memory.find(sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        self.memory.find_everywhere(sha256)
    }

    fn jobs_with_content(&self, content: &str, folder: Option<&str>) -> Result<Vec<JobId>, StoreError> {
        self.memory.jobs_with_content(content, folder)
    }

    fn owner(&self, remote: RemoteId) -> Result<Option<JobId>, StoreError> {
        self.memory.owner(remote)
    }

    fn known_file(&self, folder: &str, path: &str) -> Result<Option<KnownFile>, StoreError> {
        self.memory.known_file(folder, path)
    }

    fn known_files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.memory.known_files(folder)
    }

    fn files_with_digest(&self, folder: &str, sha256: &str) -> Result<Vec<String>, StoreError> {
        self.memory.files_with_digest(folder, sha256)
    }

    fn crashed_inspections(&self, sha256: &str) -> Result<u64, StoreError> {
        self.memory.crashed_inspections(sha256)
    }

    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.memory.settings(prefix)
    }

    fn published_label(&self, label: RemoteId) -> Result<Option<PublishedLabel>, StoreError> {
        self.memory.published_label(label)
    }

    fn targets_of_label(&self, label: RemoteId) -> Result<Vec<Target>, StoreError> {
        self.memory.targets_of_label(label)
    }

    fn devices(&self, query: DeviceQuery<'_>) -> Result<Vec<Device>, StoreError> {
        self.memory.devices(query)
    }

    fn labels_of_device(
        &self,
        device: DeviceName<'_>,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        self.memory.labels_of_device(device, before, limit)
    }

    fn older_in_series(&self, label: RemoteId) -> Result<BTreeSet<RemoteId>, StoreError> {
        self.memory.older_in_series(label)
    }

    fn arrived_in_series(&self, label: RemoteId, since: Timestamp) -> Result<BTreeSet<RemoteId>, StoreError> {
        self.memory.arrived_in_series(label, since)
    }

    fn newest_in_series(
        &self,
        series: &str,
        before: Option<RemoteId>,
        limit: usize,
    ) -> Result<Vec<RemoteId>, StoreError> {
        self.memory.newest_in_series(series, before, limit)
    }

    fn reads(&self) -> Reads {
        self.memory.reads()
    }

    fn label_check(&self, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
        self.memory.label_check(label)
    }

    fn labels_checked_before(&self, before: Timestamp, limit: usize) -> Result<Vec<RemoteId>, StoreError> {
        self.memory.labels_checked_before(before, limit)
    }

    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.memory.history(id)
    }

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        self.memory.export(each)
    }
}
