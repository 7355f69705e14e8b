//! The interface of all stores. They differ in how a commit becomes durable, and in where the histories are. Every query is answered
//! from tables, in the same way.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::commit::{Commit, CommitHandle};
use crate::error::StoreError;
use crate::export::ExportSink;
use crate::filter::Filter;
use crate::finding::Finding;
use crate::published::{
    DeviceName, DeviceQuery, Devices, LabelCheck, Publication, PublishedLabel, PublishedTarget,
};
use crate::queries;
use crate::reads::Reads;
use crate::shared::{NodeStanding, NodeStatus};
use crate::tables::{KnownFile, Tables, devices, published, series};
use dropship_job::{Event, Job, JobId, RemoteId, StateKind};

/// One event of a job's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The time at which it was committed.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
}

/// The memory of the queue. The crate's front page says what a commit promises.
///
/// A query fails with [`StoreError::Io`], [`StoreError::Damaged`] or [`StoreError::Stopped`]: the store cannot be read.
#[expect(clippy::missing_errors_doc, reason = "all queries have the same errors, named above once")]
pub trait Store: Send + Sync {
    /// Commits entries; they become true together or not at all.
    fn commit(&self, commit: Commit) -> CommitHandle;

    /// The tables, from which the queries are answered.
    fn tables(&self) -> Tables<'_>;

    /// The events of a job in order, as far as the journal still holds them.
    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Everything: the present content of the tables, then the histories of the jobs that are still there.
    fn export(&self, each: ExportSink<'_>) -> Result<(), StoreError>;

    /// One job.
    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.tables().bytes().job(id)
    }

    /// All jobs that are not over: those that have not ended, and those that ended while a create was in doubt.
    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        queries::open_jobs(self.tables().bytes())
    }

    /// Jobs that have ended and whose last receipt may not be in the outbox yet.
    fn receipts_pending(&self) -> Result<Vec<JobId>, StoreError> {
        queries::receipts_pending(self.tables().bytes())
    }

    /// Jobs, newest first.
    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        queries::jobs(self.tables().bytes(), filter)
    }

    /// The number of jobs in each stored state.
    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        queries::counts(self.tables().bytes())
    }

    /// The number of jobs in one stored state.
    fn count(&self, state: StateKind) -> Result<usize, StoreError> {
        queries::count(self.tables().bytes(), state)
    }

    /// The job of these bytes in this folder (`None`: submitted directly); it may be pruned already.
    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        queries::find(self.tables().bytes(), sha256, folder)
    }

    /// The jobs of these bytes in any folder.
    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        queries::find_everywhere(self.tables().bytes(), sha256)
    }

    /// The jobs that were accepted in this folder (`None`: submitted directly) with this signed content, oldest first.
    fn jobs_with_content(&self, content: &str, folder: Option<&str>) -> Result<Vec<JobId>, StoreError> {
        queries::jobs_with_content(self.tables().bytes(), content, folder)
    }

    /// The job that owns this id of a product, submission or label.
    fn owner(&self, remote: RemoteId) -> Result<Option<JobId>, StoreError> {
        queries::owner(self.tables().bytes(), remote)
    }

    /// The file that is known at this path of a folder.
    fn known_file(&self, folder: &str, path: &str) -> Result<Option<KnownFile>, StoreError> {
        queries::known_file(self.tables().bytes(), folder, path)
    }

    /// The paths of the known files of a folder.
    fn known_files(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        queries::known_files(self.tables().bytes(), folder)
    }

    /// The paths of the known files of the folder that hold these bytes.
    fn files_with_digest(&self, folder: &str, sha256: &str) -> Result<Vec<String>, StoreError> {
        queries::files_with_digest(self.tables().bytes(), folder, sha256)
    }

    /// Whether any known file of the folder holds these bytes.
    fn has_file_with_digest(&self, folder: &str, sha256: &str) -> Result<bool, StoreError> {
        Ok(!self.files_with_digest(folder, sha256)?.is_empty())
    }

    /// The number of inspections of these bytes that started and never ended: the daemon died.
    fn crashed_inspections(&self, sha256: &str) -> Result<u64, StoreError> {
        queries::crashed_inspections(self.tables().bytes(), sha256)
    }

    /// The settings whose key starts with `prefix`.
    fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        queries::settings(self.tables().bytes(), prefix)
    }

    /// A published label without its targets.
    fn published_label(&self, label: RemoteId) -> Result<Option<PublishedLabel>, StoreError> {
        published::published_label(self.tables().bytes(), label)
    }

    /// The targets of a published label.
    fn targets_of_label(&self, label: RemoteId) -> Result<Vec<PublishedTarget>, StoreError> {
        published::targets_of(self.tables().bytes(), label)
    }

    /// The devices of a query that published labels target. Devices of labels that were withdrawn may be among them.
    fn devices(&self, query: DeviceQuery<'_>) -> Result<Devices, StoreError> {
        devices::devices(self.tables().bytes(), query)
    }

    /// At most `limit` published labels that target a device, the latest publication first; `before` continues after that one.
    fn labels_of_device(
        &self,
        device: DeviceName<'_>,
        before: Option<Publication>,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError> {
        devices::labels_of_device(self.tables().bytes(), device, before, limit)
    }

    /// The labels of the same series that target a hardware id of this published label for a lower version of its INF.
    fn older_in_series(&self, label: RemoteId) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::older(self.tables().bytes(), label)
    }

    /// The other labels of the same series that take over targets, target a hardware id of this published label, and whose package
    /// arrived at this time or later.
    fn arrived_in_series(&self, label: RemoteId, since: Timestamp) -> Result<BTreeSet<RemoteId>, StoreError> {
        series::arrived_since(self.tables().bytes(), label, since)
    }

    /// At most `limit` published labels of a series, the newest first; `before` continues after that one.
    fn newest_in_series(
        &self,
        series: &str,
        before: Option<RemoteId>,
        limit: usize,
    ) -> Result<Vec<RemoteId>, StoreError> {
        series::newest(self.tables().bytes(), series, before, limit)
    }

    /// When a published label was last compared with the service.
    fn label_check(&self, label: RemoteId) -> Result<Option<LabelCheck>, StoreError> {
        published::check_of(self.tables().bytes(), label)
    }

    /// At most `limit` published labels that were last compared with the service before a time, the oldest comparison first.
    fn labels_checked_before(&self, before: Timestamp, limit: usize) -> Result<Vec<RemoteId>, StoreError> {
        published::checked_before(self.tables().bytes(), before, limit)
    }

    /// What was read from the tables so far.
    fn reads(&self) -> Reads {
        self.tables().bytes().reads()
    }

    /// Why the database that holds the journal does not respond, while it does not: commits wait until it does.
    fn away(&self) -> Option<String> {
        None
    }

    /// Ends the lease of this node, and reports its end, so that no other node has to wait. Nothing is sent to the service after it.
    fn close(&self) {}

    /// The nodes that share the journal, as far as they are known. None: it is not shared. Asks the database, if it responds.
    fn nodes(&self) -> Vec<NodeStatus> {
        Vec::new()
    }

    /// How far this node follows the journal that it shares; `None`: it is not shared.
    fn standing(&self) -> Option<NodeStanding> {
        None
    }

    /// The problems that a check of the whole store finds; nothing is changed.
    fn check(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }
}
