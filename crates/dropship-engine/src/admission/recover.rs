//! A new store recovers the jobs of an earlier one from receipts in the outboxes and from captured copies, so that a lost
//! store does not make old packages new.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::admit::planned_labels;
use super::recovered_job::{StoredPlan, held_state, recovered_job_of_receipt, shows_more_than_a_rejection};
use super::state::Admission;
use crate::outbox::{FoundReceipt, Receipt, visit_receipts};
use crate::package_store::{PackageStore, PlanSnapshot};
use crate::pipeline::published_of_recovered;
use dropship_job::{Accepted, InvalidJob, Job, JobId, Label, Package, RecoveredJob, Step};
use dropship_store::{Commit, Entry, StoreError};

/// Number of jobs that are committed together.
const BATCH: usize = 256;

/// The result of a recovery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveredJobs {
    /// Number of jobs.
    pub jobs: usize,
    /// Number of jobs that had not ended and are held for an operator.
    pub held: usize,
}

impl Admission {
    /// Creates jobs from our receipts, and from copies without a receipt. Unreadable receipts are ignored; one whose facts
    /// contradict each other is logged.
    ///
    /// # Errors
    /// When the store cannot be written, or the captured copies cannot be read.
    pub fn recover(&self) -> Result<RecoveredJobs, StoreError> {
        let mut recovered = RecoveredJobs::default();
        let mut recovered_ids = BTreeSet::new();
        let mut entries = Vec::new();
        let mut add_job =
            |job: Result<Job, InvalidJob>, entries: &mut Vec<Entry>| -> Result<bool, StoreError> {
                let job = match job {
                    Ok(job) => job,
                    Err(invalid) => {
                        crate::observe::receipt_not_recovered(&invalid);
                        return Ok(false);
                    }
                };
                let has_ended = job.state().has_ended();
                recovered.jobs += 1;
                recovered.held += usize::from(!has_ended);
                let published = published_of_recovered(&job);
                entries.push(Entry::Snapshot { receipt_written: self.has_receipt(&job), job: Box::new(job) });
                entries.extend(published);
                if entries.len() >= BATCH {
                    self.commit(entries)?;
                }
                Ok(true)
            };
        for found in self.outboxes().iter().flat_map(|outbox| self.found_receipts(outbox)) {
            let receipt = &found.receipt;
            let is_wanted = self.ownership.owns(receipt) && shows_more_than_a_rejection(receipt);
            if is_wanted && !recovered_ids.contains(&receipt.id) {
                let plan = self.stored_plan(&receipt.id);
                self.restore_metadata(&found);
                if add_job(Job::recovered(recovered_job_of_receipt(&found, plan)), &mut entries)? {
                    recovered_ids.insert(receipt.id.clone());
                }
            }
        }
        let read_error =
            |source| StoreError::Io { what: "cannot read", path: "packages".into(), error: source };
        for id in self.packages.jobs().map_err(read_error)? {
            if let Some(plan) = self.packages.plan_digest(&id).filter(|_| !recovered_ids.contains(&id)) {
                add_job(self.job_of_copy(&id, plan).map_err(read_error)?, &mut entries)?;
            }
        }
        self.commit(&mut entries)?;
        Ok(recovered)
    }

    /// Whether the receipt from which a job is recovered is its last one in every outbox. The node of a folder may not have copied it yet.
    pub(super) fn has_receipt(&self, job: &Job) -> bool {
        let active = self.active();
        let folder = job.package().folder.as_deref().and_then(|name| active.folder(name));
        job.state().has_ended() && folder.is_none_or(|folder| folder.on_node.is_none())
    }

    fn commit(&self, entries: &mut Vec<Entry>) -> Result<(), StoreError> {
        match entries.is_empty() {
            true => Ok(()),
            false => self.store.commit(Commit::new(std::mem::take(entries))).wait().map(|_| ()),
        }
    }

    /// The receipts of an outbox that the daemon has written, with paths of this configuration.
    pub(super) fn found_receipts(&self, outbox: &Path) -> Vec<FoundReceipt> {
        let receipts = own_receipts(&self.packages, outbox).into_iter();
        receipts.map(|(at, receipt)| self.found_receipt(at, receipt)).collect()
    }

    /// A receipt in this folder, with paths of this configuration.
    pub(super) fn found_receipt(&self, folder: PathBuf, receipt: Receipt) -> FoundReceipt {
        FoundReceipt { receipt: self.with_own_paths(receipt, &folder), folder }
    }

    /// The receipt with paths that the configuration and its own place give: no path is taken from its text.
    fn with_own_paths(&self, receipt: Receipt, at: &Path) -> Receipt {
        let active = self.active();
        let folder = receipt.folder.as_deref().and_then(|name| active.folder(name));
        let path = folder
            .zip(receipt.path.as_deref())
            .and_then(|(folder, path)| path_in(&folder.path, path, &receipt.package));
        Receipt { path, outbox: at.to_string_lossy().into_owned(), ..receipt }
    }

    /// The outboxes of the configuration.
    pub(super) fn outboxes(&self) -> BTreeSet<PathBuf> {
        let active = self.active();
        let names = active.config.folders.iter().map(|folder| Some(folder.name.as_str()));
        names.chain([None]).map(|name| active.outbox(name)).collect()
    }

    /// The plan of a job that is stored beside the copy of its package.
    pub(super) fn stored_plan(&self, id: &JobId) -> Option<StoredPlan> {
        let digest = self.packages.plan_digest(id)?;
        let snapshot = self.packages.plan_snapshot(id, &digest).ok()?;
        Some(StoredPlan { digest, labels: planned_labels(&snapshot.plan) })
    }

    /// A job of which only the copy and the plan are left.
    fn job_of_copy(&self, id: &JobId, plan_digest: String) -> std::io::Result<Result<Job, InvalidJob>> {
        let snapshot = self.packages.plan_snapshot(id, &plan_digest)?;
        let (sha256, size) = match self.packages.copy_facts(id) {
            Ok(facts) => (facts.sha256, facts.size),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (String::new(), snapshot.facts.size)
            }
            Err(error) => return Err(error),
        };
        let name = format!("{id}.{}", snapshot.facts.kind.as_str());
        let outbox = self.active().outbox(None).join(id.as_str());
        let package = Package {
            name,
            path: None,
            folder: None,
            sha256,
            size,
            outbox: outbox.to_string_lossy().into_owned(),
        };
        let at = jiff::Timestamp::now();
        let PlanSnapshot { plan: planned, vars, facts, .. } = snapshot;
        let labels = planned_labels(&planned).into_iter().map(Label::planned).collect();
        Ok(Job::recovered(RecoveredJob {
            id: id.clone(),
            created: at,
            updated: at,
            package,
            accepted: Some(Accepted {
                rule: planned.rule,
                account: planned.account,
                plan: Some(plan_digest),
                content: facts.content_sha256,
                warnings: Vec::new(),
                vars,
            }),
            step: Step::Product,
            state: held_state(true),
            product: None,
            abandoned_products: Vec::new(),
            submission: None,
            workflow: None,
            files: Vec::new(),
            labels,
            signed: None,
            fault: None,
        }))
    }
}

/// The receipts of an outbox that the daemon has written, with the paths of their folders.
pub(super) fn own_receipts(packages: &PackageStore, outbox: &Path) -> Vec<(PathBuf, Receipt)> {
    let mut receipts = Vec::new();
    if let Err(error) = visit_receipts(packages, outbox, |at, receipt| receipts.push((at, receipt))) {
        tracing::warn!(
            "cannot read the whole outbox {}: {error}; the jobs of unread receipts are not recovered",
            outbox.display()
        );
    }
    receipts
}

/// The path of a dropped file, if it is in its drop folder under the name of the package.
fn path_in(folder: &Path, path: &str, package: &str) -> Option<String> {
    let path = Path::new(path);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let is_in = path.strip_prefix(folder).is_ok_and(|below| below.components().all(is_plain));
    let is_in = is_in && path.file_name().is_some_and(|name| name == package);
    is_in.then(|| path.to_string_lossy().into_owned())
}
