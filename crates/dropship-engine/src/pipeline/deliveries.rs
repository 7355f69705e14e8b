//! Copies the results of the folders that are on this node only from the shared storage to their outboxes, and then deletes or moves the
//! dropped file as the folder says.
//!
//! The active node delivers to the shared storage as to any outbox. The receipts there stay the ones that count: the copies are for the
//! build servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delivery::{Delivery, DeliveryOutcome};
use super::file_work;
use super::folder_policies::FolderPolicies;
use super::job_events::JobObserver;
use super::receipt_writer::UnwrittenReceipts;
use crate::observe::LogThrottle;
use crate::outbox::{self, Ownership, Receipt, ResultPlace};
use crate::package_store::PackageStore;
use dropship_job::{Event, Job, JobId, StateKind};
use dropship_shared_folder::Progress;
use dropship_store::{Commit, Entry, Store, StoreError};

/// Maximum number of jobs whose results are copied at the same time.
const MAX_COPIES: usize = 4;

/// First and longest interval between attempts.
const MIN_RETRY: Duration = Duration::from_secs(2);
const MAX_RETRY: Duration = Duration::from_secs(5 * 60);

/// Longest interval between passes that remove old results.
const MAX_CLEARING_INTERVAL: Duration = Duration::from_secs(3600);

/// The jobs of this node's own folders whose results and receipts have to be copied.
pub struct Deliveries {
    store: Arc<dyn Store>,
    packages: PackageStore,
    folders: Arc<FolderPolicies>,
    ownership: Ownership,
    jobs: Mutex<DeliveryJobs>,
    /// Notified when a job is added.
    added: Notify,
    failures: LogThrottle,
}

#[derive(Default)]
struct DeliveryJobs {
    due: BTreeMap<JobId, Instant>,
    running: BTreeSet<JobId>,
    /// Attempts that failed, with the outbox and the last error.
    failed: BTreeMap<JobId, (u32, PathBuf, String)>,
}

impl Deliveries {
    /// Copies of the jobs of this store; `ownership` marks every receipt.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        packages: PackageStore,
        folders: Arc<FolderPolicies>,
        ownership: Ownership,
    ) -> Self {
        let (jobs, added, failures) = (Mutex::default(), Notify::new(), LogThrottle::new());
        Self { store, packages, folders, ownership, jobs, added, failures }
    }

    /// Copies what is not in the outboxes yet, until the shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        if let Err(error) = self.request_all() {
            tracing::error!("cannot read from the store which results this node has to copy: {error}");
        }
        let mut copies = JoinSet::new();
        let pause = self.clearing_interval();
        let mut clearing = tokio::time::interval_at(Instant::now() + pause, pause);
        while !shutdown.is_cancelled() {
            // Registered before the jobs are read, so that none is missed.
            let added = self.added.notified();
            let next = self.take_due(copies.len());
            if let Ok(id) = next {
                let this = Arc::clone(&self);
                copies.spawn(async move { this.copy(&id).await });
                continue;
            }
            let until = next.err().flatten().unwrap_or_else(|| Instant::now() + MAX_CLEARING_INTERVAL);
            tokio::select! {
                () = added => {}
                () = shutdown.cancelled() => {}
                Some(_) = copies.join_next() => {}
                () = tokio::time::sleep_until(until) => {}
                _ = clearing.tick() => self.clear().await,
            }
        }
        while copies.join_next().await.is_some() {}
    }

    /// The outboxes on this node to which something could not be copied.
    #[must_use]
    pub fn failed(&self) -> Vec<UnwrittenReceipts> {
        let mut outboxes: BTreeMap<PathBuf, UnwrittenReceipts> = BTreeMap::new();
        for (_, outbox, why) in self.jobs.lock().failed.values() {
            let new = || UnwrittenReceipts { outbox: outbox.clone(), jobs: 0, why: why.clone() };
            outboxes.entry(outbox.clone()).or_insert_with(new).jobs += 1;
        }
        outboxes.into_values().collect()
    }

    /// Whether nothing is to be copied, apart from what failed and will be tried again.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let jobs = self.jobs.lock();
        jobs.running.is_empty() && jobs.due.keys().all(|id| jobs.failed.contains_key(id))
    }

    /// Has the results of a job copied, if its folder is on this node only.
    pub fn request(&self, job: &Job) {
        let folder = job.package().folder.as_deref().unwrap_or_default();
        if self.folders.own(folder).is_some() {
            self.jobs.lock().due.insert(job.id().clone(), Instant::now());
            self.added.notify_one();
        }
    }

    fn request_all(&self) -> Result<(), StoreError> {
        if self.folders.own_names().is_empty() {
            return Ok(());
        }
        self.store.open_jobs()?.iter().for_each(|job| self.request(job));
        for id in self.store.receipts_pending()? {
            self.store.job(&id)?.iter().for_each(|job| self.request(job));
        }
        Ok(())
    }

    /// The next job that is due, or when one will be. A job is copied by one task at a time.
    fn take_due(&self, copies: usize) -> Result<JobId, Option<Instant>> {
        let mut jobs = self.jobs.lock();
        let waiting = jobs.due.iter().filter(|(id, _)| !jobs.running.contains(*id));
        let Some((id, at)) = waiting.min_by_key(|(_, at)| **at).map(|(id, at)| (id.clone(), *at)) else {
            return Err(None);
        };
        if copies >= MAX_COPIES {
            return Err(None);
        }
        if at > Instant::now() {
            return Err(Some(at));
        }
        jobs.due.remove(&id);
        jobs.running.insert(id.clone());
        Ok(id)
    }

    async fn copy(&self, id: &JobId) {
        let result = self.try_copy(id).await;
        let mut jobs = self.jobs.lock();
        jobs.running.remove(id);
        match result {
            Ok(()) => drop(jobs.failed.remove(id)),
            Err((outbox, why)) => {
                let failures = jobs.failed.get(id).map_or(0, |(failures, ..)| *failures);
                let delay = MIN_RETRY.saturating_mul(1 << failures.min(10)).min(MAX_RETRY);
                jobs.due.entry(id.clone()).or_insert_with(|| Instant::now() + delay);
                jobs.failed.insert(id.clone(), (failures.saturating_add(1), outbox, why));
            }
        }
        drop(jobs);
        self.added.notify_one();
    }

    /// # Errors
    /// When a result could not be copied. The error has the outbox and the reason.
    async fn try_copy(&self, id: &JobId) -> Result<(), (PathBuf, String)> {
        let store_error = |error: StoreError| (PathBuf::new(), error.to_string());
        let Some(job) = self.store.job(id).map_err(store_error)? else { return Ok(()) };
        let folder = job.package().folder.clone().unwrap_or_default();
        let Some(own_folder) = self.folders.own(&folder) else { return Ok(()) };
        let outbox = own_folder.outbox.clone();
        let from = ResultPlace::of(&self.packages, &job.package().outbox, None);
        let delivery =
            Delivery { job: job.clone(), from, folder: own_folder, ownership: self.ownership.clone() };
        let done = file_work::run_on_package_in(&outbox, move |progress| delivery.copy(progress)).await;
        let outbox_name = outbox.display().to_string();
        match done {
            Ok(done) => {
                if let Some(times) = self.failures.reset(&outbox_name) {
                    tracing::info!(
                        event = "outbox_writable",
                        "outbox {outbox_name} has its results again after {times} failures"
                    );
                }
                log_done(&job, &folder, &outbox, &done);
                self.note_copied(&job).await
            }
            Err(error) => {
                let why =
                    format!("cannot copy the results of job {id} from {}: {error}", job.package().outbox);
                match self.failures.count(&outbox_name) {
                    Some(1) => tracing::warn!(
                        job_id = %id, folder, event = "results_not_copied",
                        "{why}; it is tried again; let the daemon's user write to {outbox_name}, and read the storage that [store] packages names"
                    ),
                    _ => tracing::debug!(job_id = %id, "{why}"),
                }
                Err((outbox, why))
            }
        }
    }

    /// Notes that the receipt of an ended job need not be copied again.
    async fn note_copied(&self, job: &Job) -> Result<(), (PathBuf, String)> {
        if job.state().has_ended() {
            let entry = Entry::ReceiptWritten { job: job.id().clone(), rev: job.rev() };
            if let Err(error) = self.store.commit(Commit::unsynced(vec![entry])).committed().await {
                tracing::debug!(job_id = %job.id(), "the results will be copied once more: {error}");
            }
        }
        Ok(())
    }

    /// Interval between passes that remove old results.
    fn clearing_interval(&self) -> Duration {
        let names = self.folders.own_names();
        let shortest_keep = names.iter().filter_map(|name| self.folders.own(name)?.keep).min();
        shortest_keep
            .map_or(MAX_CLEARING_INTERVAL, |keep| keep.clamp(Duration::from_secs(1), MAX_CLEARING_INTERVAL))
    }

    /// Removes results that are older than their folder keeps them.
    async fn clear(&self) {
        for name in self.folders.own_names() {
            let Some((own_folder, keep)) =
                self.folders.own(&name).and_then(|own_folder| own_folder.keep.map(|keep| (own_folder, keep)))
            else {
                continue;
            };
            let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
            let Ok(before) = Timestamp::now().checked_sub(keep) else { continue };
            let (store, packages) = (Arc::clone(&self.store), self.packages.clone());
            let outbox = own_folder.outbox.clone();
            let work = move |progress: &Progress| {
                // Others may have put any number of names there, so only the time for all of them is limited.
                progress.pause();
                let (old, listed) = outbox::untouched_since(&packages, &own_folder.outbox, &name, before);
                for (place, receipt) in old {
                    if is_over(&*store, &receipt).map_err(std::io::Error::other)? {
                        ResultPlace::of(&packages, place, None).remove(false)?;
                    }
                }
                listed
            };
            if let Err(error) = file_work::run_on_package_in(&outbox, work).await {
                tracing::warn!("cannot remove old results from {}: {error}", outbox.display());
            }
        }
    }
}

/// Whether the job can no longer continue, and everything of it was copied.
fn is_over(store: &dyn Store, receipt: &Receipt) -> Result<bool, StoreError> {
    let state = match store.job(&receipt.id)? {
        Some(job) if job.updated() > receipt.updated => return Ok(false),
        Some(job) => job.state().kind(),
        None => return Ok(true),
    };
    Ok(matches!(state, StateKind::Succeeded | StateKind::Rejected))
}

fn log_done(job: &Job, folder: &str, outbox: &Path, done: &DeliveryOutcome) {
    let (id, name) = (job.id(), dropship_redact::Escaped(&job.package().name));
    if done.copied > 0 {
        tracing::info!(
            job_id = %id, folder, event = "results_copied",
            "{name}: copied {} to {}", dropship_job::counted(done.copied, "result"), outbox.display()
        );
    }
    if let Some(how) = &done.after {
        tracing::info!(job_id = %id, folder, event = "after", "{id} {name}: {how}");
    }
}

impl JobObserver for Deliveries {
    fn on_event(&self, job: &Job, _: &[Event]) {
        self.request(job);
    }

    fn on_recovered(&self, job: &Job) {
        self.request(job);
    }
}
