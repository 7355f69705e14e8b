//! Writes receipts to the outbox, one writer per job at a time, and notes which were written.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::file_work;
use super::folder_policies::FolderPolicies;
use crate::observe::{self, LogThrottle};
use crate::outbox::{Ownership, Receipt, ResultPlace, is_newer};
use crate::package_store::PackageStore;
use dropship_job::{Job, JobId};
use dropship_store::{Commit, Entry, Store};

/// Maximum number of receipts written at the same time.
const LOCKS: usize = 64;

/// Maximum number of receipts that one pass writes again.
const MAX_REWRITES: usize = 32;

/// The only writer of receipts.
///
/// A write that fails is logged and never stops a job. Receipts of ended jobs that could not be written are retried.
pub struct ReceiptWriter {
    store: Arc<dyn Store>,
    packages: PackageStore,
    folders: Arc<FolderPolicies>,
    ownership: Ownership,
    /// Per-job locks, so that two concurrent writers cannot overwrite a newer receipt with an older one.
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
    failures: LogThrottle,
    /// Jobs whose receipt could not be written, with the outbox and the error.
    unwritten: parking_lot::Mutex<BTreeMap<JobId, (PathBuf, String)>>,
    /// Ended jobs of folders that are on one node, with the revision that the written receipt covers. The receipt counts as
    /// missing until that node has copied it.
    awaiting_copy: parking_lot::Mutex<BTreeMap<JobId, u64>>,
    /// Whether another node writes the receipts.
    is_elsewhere: bool,
    /// Jobs whose receipt in the outbox shows more than the store.
    newer: parking_lot::Mutex<BTreeSet<JobId>>,
    newer_found: Notify,
}

/// The result of writing a receipt.
enum ReceiptWrite {
    Written,
    /// The outbox has a newer one, which was left as it is.
    HasNewer,
}

/// Receipts of one outbox that could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwrittenReceipts {
    /// The outbox.
    pub outbox: PathBuf,
    /// Number of jobs.
    pub jobs: usize,
    /// The error of the first of them.
    pub why: String,
}

impl ReceiptWriter {
    /// A writer for the jobs of this store; `ownership` marks every receipt.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        packages: PackageStore,
        folders: Arc<FolderPolicies>,
        ownership: Ownership,
    ) -> Self {
        let locks = (0..LOCKS).map(|_| Mutex::default()).collect();
        Self {
            store,
            packages,
            folders,
            ownership,
            locks,
            hasher: RandomState::new(),
            failures: LogThrottle::new(),
            unwritten: parking_lot::Mutex::default(),
            awaiting_copy: parking_lot::Mutex::default(),
            is_elsewhere: false,
            newer: parking_lot::Mutex::default(),
            newer_found: Notify::new(),
        }
    }

    /// Leaves the receipts to the active node.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        Self { is_elsewhere: true, ..self }
    }

    /// The place of a job's results.
    #[must_use]
    pub fn outbox(&self, job: &Job) -> ResultPlace {
        let folder = job.package().folder.as_deref().unwrap_or_default();
        ResultPlace::of(&self.packages, &job.package().outbox, self.folders.mode(folder))
    }

    /// Keeps others from writing or removing a job's receipt while the guard lives.
    pub(super) async fn lock(&self, job: &JobId) -> MutexGuard<'_, ()> {
        let index = self.hasher.hash_one(job) as usize % LOCKS;
        self.locks[index].lock().await
    }

    /// Waits for the next job whose receipt in the outbox shows more than the store.
    pub async fn next_newer(&self) -> JobId {
        loop {
            if let Some(id) = self.newer.lock().pop_first() {
                return id;
            }
            self.newer_found.notified().await;
        }
    }

    /// Retries the receipts of ended jobs that could not be written.
    pub async fn write_missing(&self) {
        match self.store.receipts_pending() {
            Ok(ids) => {
                self.awaiting_copy.lock().retain(|id, _| ids.binary_search(id).is_ok());
                for id in ids {
                    if !self.awaits_copy(&id) {
                        self.write(&id).await;
                    }
                }
            }
            Err(error) => tracing::error!("cannot read from the store which receipts are missing: {error}"),
        }
    }

    /// Whether the receipt is written already, and its node has not copied it yet.
    fn awaits_copy(&self, id: &JobId) -> bool {
        let Some(written) = self.awaiting_copy.lock().get(id).copied() else { return false };
        matches!(self.store.job(id), Ok(Some(job)) if job.rev() == written)
    }

    /// The outboxes to which receipts could not be written.
    #[must_use]
    pub fn unwritten(&self) -> Vec<UnwrittenReceipts> {
        let mut outboxes: BTreeMap<PathBuf, UnwrittenReceipts> = BTreeMap::new();
        for (outbox, why) in self.unwritten.lock().values() {
            let new = || UnwrittenReceipts { outbox: outbox.clone(), jobs: 0, why: why.clone() };
            outboxes.entry(outbox.clone()).or_insert_with(new).jobs += 1;
        }
        outboxes.into_values().collect()
    }

    /// Writes the oldest of the receipts that could not be written again, so that the end of the cause is seen.
    pub async fn write_unwritten(&self) {
        let ids: Vec<_> = self.unwritten.lock().keys().take(MAX_REWRITES).cloned().collect();
        for id in ids {
            self.write(&id).await;
        }
    }

    /// Rewrites the receipt of a job from the store.
    pub async fn write(&self, id: &JobId) {
        if self.is_elsewhere {
            return;
        }
        let _guard = self.lock(id).await;
        let job = match self.store.job(id) {
            Ok(Some(job)) => job,
            Ok(None) => {
                self.unwritten.lock().remove(id);
                return;
            }
            Err(error) => {
                return tracing::error!(job_id = %id, "cannot write the receipt of job {id}: {error}");
            }
        };
        let outbox = self.outbox(&job);
        let mut receipt = Receipt::of(&job, false);
        self.ownership.mark_as_own(&mut receipt);
        let (store, ownership, current) = (Arc::clone(&self.store), self.ownership.clone(), job.clone());
        let folder = outbox.outbox().to_owned();
        let write = move || {
            // The outbox may have been mounted after the start, and another node may have taken over.
            let is_newer = |existing: &Receipt| {
                Ok(ownership.owns(existing)
                    && is_newer(existing, &current, &*store).map_err(std::io::Error::other)?)
            };
            let is_replaced = outbox.replace_receipt(&receipt, &is_newer)?;
            Ok(if is_replaced { ReceiptWrite::Written } else { ReceiptWrite::HasNewer })
        };
        let error = match file_work::run_in(&folder, write).await {
            Ok(ReceiptWrite::HasNewer) => {
                self.newer.lock().insert(id.clone());
                self.newer_found.notify_one();
                "the receipt there shows more than the store, and is not replaced".to_owned()
            }
            Ok(ReceiptWrite::Written) => {
                self.unwritten.lock().remove(id);
                observe::receipt_written(&self.failures, &job);
                return self.note_written(&job).await;
            }
            // The daemon stops: the next start writes the receipt.
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            Err(error) => error.to_string(),
        };
        observe::receipt_unwritten(&self.failures, &job, &error);
        self.unwritten.lock().insert(id.clone(), (folder, error));
    }

    /// Notes that an ended job's receipt need not be written at the next start.
    async fn note_written(&self, job: &Job) {
        let folder = job.package().folder.as_deref().unwrap_or_default();
        if job.state().has_ended() && self.folders.is_on_one_node(folder) {
            self.awaiting_copy.lock().insert(job.id().clone(), job.rev());
        } else if job.state().has_ended() {
            let entry = Entry::ReceiptWritten { job: job.id().clone(), rev: job.rev() };
            if let Err(error) = self.store.commit(Commit::unsynced(vec![entry])).committed().await {
                tracing::debug!(job_id = %job.id(), "the receipt will be written once more: {error}");
            }
        }
    }
}
