//! A store that is older than its receipts, because it was restored from a backup. Jobs that only a receipt shows are
//! recovered, and jobs that a receipt shows at a later point catch up with it, before anything is sent for them again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::captured_package::CapturedPackage;
use super::recovered_job::{recovered_job_of_receipt, shows_more_than_a_rejection};
use super::stale_store::StaleStore;
use super::state::Admission;
use crate::observe;
use crate::outbox::{FoundReceipt, Ownership, Receipt, ResultPlace, is_newer};
use crate::package_store::PackageStore;
use dropship_config::outbox_layout::METADATA;
use dropship_job::{ErrorKind, Event, HoldFault, HoldReason, Job, JobId, StateKind};
use dropship_shared_folder::hung_places;
use dropship_store::{Commit, Entry, Store, StoreError};

/// Maximum size of driver metadata that are restored from an outbox, in bytes.
const MAX_METADATA: u64 = 64 << 20;

/// Maximum time to read an outbox.
const MAX_SEARCH: Duration = Duration::from_secs(10);

/// Number of receipts on object storage that are read at the same time.
const READS_AT_ONCE: usize = 16;

/// How a receipt differs from the store.
enum StoreLag {
    /// The store does not know the job.
    Unknown,
    /// The job of the store, which the receipt shows at a later point.
    Behind(Box<Job>),
}

/// The receipts that an up-to-date store cannot have.
struct ReceiptClassifier<'a> {
    store: &'a dyn Store,
    ownership: &'a Ownership,
    /// Receipts of other folders belong to other daemons.
    folders: Vec<&'a str>,
    /// Older jobs may have been pruned.
    since: Option<Timestamp>,
}

impl ReceiptClassifier<'_> {
    /// How the receipt differs from the store; `None` if the store knows all that it shows.
    fn classify(&self, receipt: &Receipt) -> Result<Option<StoreLag>, StoreError> {
        let is_of_folder = receipt.folder.as_deref().is_none_or(|folder| self.folders.contains(&folder));
        if !is_of_folder || !self.ownership.owns(receipt) || !shows_more_than_a_rejection(receipt) {
            return Ok(None);
        }
        Ok(match self.store.job(&receipt.id)? {
            Some(job) if is_newer(receipt, &job, self.store)? => Some(StoreLag::Behind(Box::new(job))),
            Some(_) => None,
            None => self.since.is_none_or(|since| receipt.updated > since).then_some(StoreLag::Unknown),
        })
    }
}

/// What a comparison of a store with its receipts has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiptComparison {
    /// How far the store is behind the receipts.
    pub stale: StaleStore,
    /// The jobs that only receipts show.
    pub unknown: BTreeSet<JobId>,
    /// The state that the receipt of each job shows.
    pub receipt_states: BTreeMap<JobId, StateKind>,
}

/// Compares a store with the receipts in its outboxes; changes nothing.
///
/// # Errors
/// When the store cannot be read.
pub fn compare_with_receipts(
    store: &dyn Store,
    packages: &PackageStore,
    config: &dropship_config::model::Config,
    outboxes: &[PathBuf],
    ownership: &Ownership,
) -> Result<ReceiptComparison, StoreError> {
    let classifier =
        ReceiptClassifier { store, ownership, folders: folders(config), since: kept_since(config) };
    let mut comparison = ReceiptComparison::default();
    for (_, receipt) in outboxes.iter().flat_map(|outbox| super::recover::own_receipts(packages, outbox)) {
        comparison.receipt_states.insert(receipt.id.clone(), receipt.state);
        match classifier.classify(&receipt)? {
            Some(StoreLag::Unknown) => {
                comparison.stale.unknown += 1;
                comparison.unknown.insert(receipt.id);
            }
            Some(StoreLag::Behind(_)) => comparison.stale.behind += 1,
            None => {}
        }
    }
    Ok(comparison)
}

fn folders(config: &dropship_config::model::Config) -> Vec<&str> {
    config.folders.iter().map(|folder| folder.name.as_str()).collect()
}

fn kept_since(config: &dropship_config::model::Config) -> Option<Timestamp> {
    let keep = SignedDuration::try_from(config.store.keep).ok()?;
    Timestamp::now().checked_sub(keep).ok()
}

impl Admission {
    /// The jobs that this daemon had to recover because its store was older than its receipts. It stays until the daemon ends.
    #[must_use]
    pub fn stale_store(&self) -> StaleStore {
        self.older_store.findings.lock().0
    }

    /// Number of recovered jobs that are still held for a decision.
    #[must_use]
    pub fn undecided_jobs(&self) -> usize {
        let is_undecided = |id: &JobId| match self.store.job(id) {
            Ok(job) => job.is_some_and(|job| {
                job.state().kind() == StateKind::Held
                    && job.state().fault().is_some_and(|fault| fault.kind == ErrorKind::Recovered)
            }),
            Err(error) => {
                tracing::debug!(job_id = %id, "cannot read job {id}: {error}");
                true
            }
        };
        let mut findings = self.older_store.findings.lock();
        findings.1.retain(is_undecided);
        findings.1.len()
    }

    /// Compares the store with the receipts now; changes nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn compare_with_receipts(&self) -> Result<ReceiptComparison, StoreError> {
        let (active, outboxes) = (self.active(), self.outboxes().into_iter().collect::<Vec<_>>());
        compare_with_receipts(&*self.store, &self.packages, &active.config, &outboxes, &self.ownership)
    }

    /// Lets the jobs that have not ended catch up with their receipts. Call it before they continue.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn catch_up_open_jobs(&self) -> Result<(), StoreError> {
        let jobs = self.store.open_jobs()?;
        if !self.packages.is_remote() {
            return jobs.iter().try_for_each(|job| self.catch_up_with_receipt(job).map(drop));
        }
        for jobs in jobs.chunks(READS_AT_ONCE) {
            let receipts: Vec<_> = std::thread::scope(|scope| {
                let read = |job| scope.spawn(move || self.receipt_in_time(job));
                let reads: Vec<_> = jobs.iter().map(read).collect();
                reads.into_iter().map(|read| read.join().ok().flatten()).collect()
            });
            for (job, receipt) in jobs.iter().zip(receipts) {
                receipt.map_or(Ok(None), |receipt| self.catch_up_with(job, receipt))?;
            }
        }
        Ok(())
    }

    /// Recovers the jobs of all receipts that the store lacks, and lets its jobs catch up. Ends early when `is_stopping`.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn catch_up(&self, is_stopping: impl Fn() -> bool) -> Result<(), StoreError> {
        let active = self.active();
        let (folders, since) = (folders(&active.config), kept_since(&active.config));
        let classifier =
            ReceiptClassifier { store: &*self.store, ownership: &self.ownership, folders, since };
        for found in self.outboxes().iter().flat_map(|outbox| self.found_receipts(outbox)) {
            if is_stopping() {
                return Ok(());
            }
            if classifier.classify(&found.receipt)?.is_none() {
                continue;
            }
            // Admission may have recovered it since.
            let _guard = self.creating.lock();
            match classifier.classify(&found.receipt)? {
                Some(StoreLag::Unknown) => drop(self.recover_receipt(&found, None)?),
                Some(StoreLag::Behind(job)) => drop(self.take_over_receipt(&found, &job)?),
                None => {}
            }
        }
        let stale = self.stale_store();
        if stale.is_stale() {
            observe::store_older_than_receipts(&stale.to_string());
        }
        Ok(())
    }

    /// Lets a job of the store catch up with its receipt, if that is newer.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn catch_up_with_its_receipt(&self, id: &JobId) -> Result<(), StoreError> {
        let _guard = self.creating.lock();
        if let Some(job) = self.store.job(id)? {
            self.catch_up_with_receipt(&job)?;
        }
        Ok(())
    }

    /// The job as its receipt shows it, if the receipt is newer than the job; else `None`.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn catch_up_with_receipt(&self, job: &Job) -> Result<Option<Job>, StoreError> {
        if self.stands_by {
            return Ok(None);
        }
        self.receipt_in_time(job).map_or(Ok(None), |receipt| self.catch_up_with(job, receipt))
    }

    fn catch_up_with(&self, job: &Job, receipt: Receipt) -> Result<Option<Job>, StoreError> {
        if !is_newer(&receipt, job, &*self.store)? || !self.ownership.owns(&receipt) {
            return Ok(None);
        }
        self.take_over_receipt(&self.found_receipt(PathBuf::from(&job.package().outbox), receipt), job)
    }

    /// The receipt of a job. Its place may not respond.
    fn receipt_in_time(&self, job: &Job) -> Option<Receipt> {
        let place = ResultPlace::of(&self.packages, &job.package().outbox, None);
        if matches!(place, ResultPlace::Objects(_)) && self.packages.away().is_some() {
            // The first failed attempt was logged.
            return None;
        }
        let (at, outbox) = (place.clone(), place.outbox());
        let read = hung_places::within(outbox, MAX_SEARCH, move || at.receipt());
        read.and_then(|read| read).unwrap_or_else(|error| {
            let folder = place.folder().display();
            tracing::error!("cannot compare the store with the receipt in {folder}: {error}");
            None
        })
    }

    /// The newest receipt of an unknown package.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if an outbox does not respond: the package may have been sent already.
    pub(super) fn receipt_of_package(
        &self,
        package: &CapturedPackage<'_>,
    ) -> io::Result<Option<FoundReceipt>> {
        let active = self.active();
        let folder = package.folder.as_deref();
        let mut outboxes = vec![active.outbox(folder), active.default_outbox(folder)];
        outboxes.dedup();
        let mut newest: Option<FoundReceipt> = None;
        for outbox in outboxes {
            let (receipts, ownership) = (Arc::clone(&self.receipts), self.ownership.clone());
            let packages = self.packages.clone();
            let (outbox_path, sha256, folder) =
                (outbox.clone(), package.sha256.clone(), folder.map(str::to_owned));
            let found = hung_places::within(&outbox, MAX_SEARCH, move || {
                receipts.find(&packages, &outbox_path, &sha256, |receipt| {
                    receipt.folder == folder
                        && ownership.owns(receipt)
                        && shows_more_than_a_rejection(receipt)
                })
            })??;
            newest = newest.into_iter().chain(found).max_by_key(|found| found.receipt.updated);
        }
        Ok(newest)
    }

    /// The job of an unknown package, recovered from its receipt. The caller has the lock `creating`.
    pub(super) fn recover_package(
        &self,
        package: &CapturedPackage<'_>,
        found: FoundReceipt,
    ) -> Result<Option<Job>, StoreError> {
        self.recover_receipt(&self.found_receipt(found.folder, found.receipt), Some(package))
    }

    /// Creates the job of a receipt. If the package is there, a lost plan is made again by the rules in force.
    fn recover_receipt(
        &self,
        found: &FoundReceipt,
        package: Option<&CapturedPackage<'_>>,
    ) -> Result<Option<Job>, StoreError> {
        let receipt = &found.receipt;
        let plan = self.stored_plan(&receipt.id);
        let plan = plan.or_else(|| self.plan_again(receipt, package?));
        if plan.is_none() && package.is_some() && self.cancellation.is_cancelled() {
            // The package is offered again after the next start.
            return Ok(None);
        }
        self.restore_metadata(found);
        let mut recovered = recovered_job_of_receipt(found, plan);
        if let Some(path) = package.and_then(|package| package.path.clone()) {
            recovered.package.path = Some(path);
        }
        let id = recovered.id.clone();
        let job = match Job::recovered(recovered) {
            Ok(job) => job,
            Err(invalid) => {
                observe::receipt_not_recovered(&invalid);
                let fault = HoldFault::new(HoldReason::Recovered, unusable(found, &invalid.to_string()));
                let Some(package) = package else { return Ok(None) };
                let arrived = Event::Arrived { package: super::admit::job_package(self, package) };
                let events = vec![arrived, Event::Held { fault, request: None }];
                let held_id = super::state::new_id();
                let entry = Entry::Job { job: held_id.clone(), rev: 0, events: events.clone() };
                let entries = [entry].into_iter().chain(package.known_file_entry(&held_id, false)).collect();
                let jobs = self.store.commit(Commit::new(entries)).wait()?;
                for job in &jobs {
                    self.events.after_commit_blocking(job, &events);
                }
                return Ok(jobs.into_iter().next());
            }
        };
        self.older_store.count(&job, StaleStore { unknown: 1, behind: 0 });
        let snapshot =
            Entry::Snapshot { receipt_written: self.has_receipt(&job), job: Box::new(job.clone()) };
        let known_file = package.and_then(|package| package.known_file_entry(&id, false));
        let commit = Commit::new([snapshot].into_iter().chain(known_file).collect());
        let commit = match package {
            // Another node may have created their job.
            Some(package) => commit.if_unknown(&package.sha256, package.folder.as_deref()),
            None => commit,
        };
        self.store.commit(commit).wait()?;
        observe::job_recovered(&job, &found.folder);
        self.discard_needless_copy(&job);
        self.events.after_recovery_blocking(&job);
        Ok(Some(job))
    }

    /// Replaces a job of an older copy of the store by what its receipt shows.
    fn take_over_receipt(&self, found: &FoundReceipt, job: &Job) -> Result<Option<Job>, StoreError> {
        self.restore_metadata(found);
        let recovered = recovered_job_of_receipt(found, self.stored_plan(job.id()));
        let caught_up = match job.caught_up(recovered) {
            Ok(caught_up) => caught_up,
            Err(invalid) => {
                observe::receipt_not_recovered(&invalid);
                if job.state().has_ended() || job.state().kind() == StateKind::Held {
                    return Ok(None);
                }
                let fault = HoldFault::new(HoldReason::Recovered, unusable(found, &invalid.to_string()));
                let commit = Commit::of_job(job.id(), job.rev(), vec![Event::Held { fault, request: None }]);
                return Ok(self.store.commit(commit).wait()?.into_iter().next());
            }
        };
        self.older_store.count(&caught_up, StaleStore { unknown: 0, behind: 1 });
        let receipt_written = self.has_receipt(&caught_up);
        let entry = Entry::Snapshot { receipt_written, job: Box::new(caught_up.clone()) };
        self.store.commit(Commit::new(vec![entry])).wait()?;
        observe::job_caught_up(&caught_up, &found.folder);
        self.events.after_recovery_blocking(&caught_up);
        Ok(Some(caught_up))
    }

    /// Stores the driver metadata in the outbox again, if the store lost them and they are still what was downloaded.
    pub(super) fn restore_metadata(&self, found: &FoundReceipt) {
        let (id, files) = (&found.receipt.id, &found.receipt.files);
        let Some(recorded) = files.iter().find(|file| file.name == METADATA) else { return };
        if found.receipt.state == StateKind::Succeeded || self.packages.metadata(id).exists() {
            return;
        }
        let mut bytes = Vec::new();
        let read = ResultPlace::of(&self.packages, &found.folder, None)
            .open(METADATA, Some(recorded).filter(|recorded| recorded.size <= MAX_METADATA))
            .and_then(|file| file.take(MAX_METADATA).read_to_end(&mut bytes));
        let is_unchanged = read.is_ok() && crate::digest::of(&bytes) == recorded.sha256;
        if is_unchanged && let Err(error) = self.packages.keep_metadata(id, &bytes) {
            tracing::warn!(job_id = %id, "cannot store the driver metadata of job {id}: {error}");
        }
    }
}

fn unusable(found: &FoundReceipt, why: &str) -> String {
    format!(
        "the receipt in {} is newer than the store, and cannot be used: {why}; look for the package in Partner Center, then approve \
         to send it, or cancel",
        found.folder.display()
    )
}
