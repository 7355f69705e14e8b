//! A new store recovers the jobs of an earlier one from receipts in the outboxes and from captured copies, so that a lost
//! store does not make old packages new.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::admit::planned_labels;
use super::state::Admission;
use crate::config::model::DEFAULT_ACCOUNT;
use crate::digest;
use crate::outbox::{LabelReceipt, Receipt, receipts_in};
use crate::package_store::PlanSnapshot;
use dropship_job::{
    Accepted, ErrorKind, Fault, InvalidJob, Job, JobId, Label, LabelStage, LabelStatus, Package,
    PlannedLabel, RecoveredJob, RemoteLabel, State, StateKind, Step, Withdrawal,
};
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
    /// Creates jobs from receipts, and from copies without a receipt. Receipts of a sandbox count only with `sandbox`, others
    /// only without. Unreadable receipts are ignored; one whose facts contradict each other is logged.
    ///
    /// # Errors
    /// When the store cannot be written, or the captured copies cannot be read.
    pub fn recover(&self, sandbox: bool) -> Result<RecoveredJobs, StoreError> {
        let mut recovered = RecoveredJobs::default();
        let mut known = BTreeSet::new();
        let mut entries = Vec::new();
        let mut take = |job: Result<Job, InvalidJob>, entries: &mut Vec<Entry>| -> Result<bool, StoreError> {
            let job = match job {
                Ok(job) => job,
                Err(invalid) => {
                    crate::observe::receipt_not_recovered(&invalid);
                    return Ok(false);
                }
            };
            let ended = job.state().has_ended();
            recovered.jobs += 1;
            recovered.held += usize::from(!ended);
            entries.push(Entry::Snapshot { receipt_written: ended, job: Box::new(job) });
            if entries.len() == BATCH {
                self.commit(entries)?;
            }
            Ok(true)
        };
        for (at, receipt) in self.outboxes().iter().flat_map(|outbox| own_receipts(outbox)) {
            let receipt = self.with_own_paths(receipt, &at);
            let is_wanted = receipt.sandbox == sandbox && shows_more_than_a_rejection(&receipt);
            if is_wanted && !known.contains(&receipt.id) {
                let plan = self.packages.plan_digest(&receipt.id).and_then(|digest| {
                    let snapshot = self.packages.plan_snapshot(&receipt.id, &digest).ok()?;
                    Some((digest, planned_labels(&snapshot.plan)))
                });
                if take(job_of_receipt(&receipt, plan), &mut entries)? {
                    known.insert(receipt.id);
                }
            }
        }
        let unread = |source| StoreError::Io { what: "cannot read", path: "packages".into(), error: source };
        for id in self.packages.jobs().map_err(unread)? {
            if let Some(plan) = self.packages.plan_digest(&id).filter(|_| !known.contains(&id)) {
                take(self.job_of_copy(&id, plan).map_err(unread)?, &mut entries)?;
            }
        }
        self.commit(&mut entries)?;
        Ok(recovered)
    }

    fn commit(&self, entries: &mut Vec<Entry>) -> Result<(), StoreError> {
        match entries.is_empty() {
            true => Ok(()),
            false => self.store.commit(Commit::new(std::mem::take(entries))).wait().map(|_| ()),
        }
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
    fn outboxes(&self) -> BTreeSet<PathBuf> {
        let active = self.active();
        let names = active.config.folders.iter().map(|folder| Some(folder.name.as_str()));
        names.chain([None]).map(|name| active.outbox(name)).collect()
    }

    /// A job of which only the copy and the plan are left.
    fn job_of_copy(&self, id: &JobId, plan: String) -> std::io::Result<Result<Job, InvalidJob>> {
        let snapshot = self.packages.plan_snapshot(id, &plan)?;
        let copy = self.packages.package(id);
        let (sha256, size) = match copy.metadata() {
            Ok(meta) => (digest::of_file(&copy)?, meta.len()),
            Err(_) => (String::new(), snapshot.facts.size),
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
        let PlanSnapshot { plan: planned, vars, facts } = snapshot;
        let labels = planned_labels(&planned).into_iter().map(Label::planned).collect();
        Ok(Job::recovered(RecoveredJob {
            id: id.clone(),
            created: at,
            updated: at,
            package,
            accepted: Some(Accepted {
                rule: planned.rule,
                account: planned.account,
                plan: Some(plan),
                content: facts.content_sha256,
                warnings: Vec::new(),
                vars,
            }),
            step: Step::Product,
            state: held(true),
            product: None,
            abandoned_products: Vec::new(),
            submission: None,
            workflow: None,
            files: Vec::new(),
            labels,
            fault: None,
        }))
    }
}

/// The receipts of an outbox that the daemon has written, with the paths of their folders.
fn own_receipts(outbox: &Path) -> Vec<(PathBuf, Receipt)> {
    receipts_in(outbox).unwrap_or_else(|error| {
        tracing::warn!(
            "cannot read the outbox {}: {error}; the jobs of its receipts are not recovered",
            outbox.display()
        );
        Vec::new()
    })
}

/// The path of a dropped file, if it is in its drop folder under the name of the package.
fn path_in(folder: &Path, path: &str, package: &str) -> Option<String> {
    let path = Path::new(path);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let is_in = path.strip_prefix(folder).is_ok_and(|below| below.components().all(is_plain));
    let is_in = is_in && path.file_name().is_some_and(|name| name == package);
    is_in.then(|| path.to_string_lossy().into_owned())
}

/// A package that was rejected before anything was sent is evaluated again when it is dropped again, with or without a
/// store.
fn shows_more_than_a_rejection(receipt: &Receipt) -> bool {
    receipt.accepted || receipt.product_id.is_some() || receipt.submission_id.is_some()
}

/// The job that a receipt describes; `plan` is the digest of its stored plan with its labels, if that still exists.
fn job_of_receipt(receipt: &Receipt, plan: Option<(String, Vec<PlannedLabel>)>) -> Result<Job, InvalidJob> {
    let package = Package {
        name: receipt.package.clone(),
        path: receipt.path.clone(),
        folder: receipt.folder.clone(),
        sha256: receipt.sha256.clone(),
        size: receipt.size,
        outbox: receipt.outbox.clone(),
    };
    let fault = || {
        receipt
            .error
            .clone()
            .unwrap_or_else(|| Fault::new(ErrorKind::Unknown, "the receipt does not say why"))
    };
    let state = match receipt.state {
        StateKind::Succeeded => State::Succeeded,
        StateKind::Failed => State::Failed { fault: fault() },
        StateKind::Rejected => State::Rejected { fault: fault() },
        StateKind::Cancelled => State::Cancelled,
        StateKind::Queued | StateKind::Running | StateKind::Waiting | StateKind::Held => held(plan.is_some()),
    };
    let planned = plan.as_ref().map(|(_, labels)| labels.clone()).unwrap_or_default();
    let account = receipt.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    Job::recovered(RecoveredJob {
        id: receipt.id.clone(),
        created: receipt.created,
        updated: receipt.updated,
        package,
        accepted: receipt.rule.clone().filter(|_| receipt.accepted).map(|rule| Accepted {
            rule,
            account: account.to_owned(),
            plan: plan.map(|(digest, _)| digest),
            content: receipt.content_sha256.clone(),
            warnings: receipt.warnings.clone(),
            vars: receipt.vars.clone(),
        }),
        step: receipt.step,
        product: id(receipt.product_id.as_deref()),
        abandoned_products: receipt.burnt_products.iter().filter_map(|text| id(Some(text))).collect(),
        submission: id(receipt.submission_id.as_deref()),
        workflow: receipt.workflow.clone().map(|workflow| (workflow.step, workflow.state)),
        files: receipt.files.clone(),
        labels: labels_of_receipt(receipt, planned),
        fault: receipt.error.clone(),
        state,
    })
}

/// The labels of the plan, which says what they depend on, with what the receipt shows of them; then labels that only the
/// receipt has.
fn labels_of_receipt(receipt: &Receipt, planned: Vec<PlannedLabel>) -> Vec<Label> {
    let shown = |plan: &PlannedLabel| receipt.labels.iter().find(|label| label.name == plan.name);
    let others = receipt.labels.iter().filter(|label| !planned.iter().any(|plan| plan.name == label.name));
    let others = others.map(|label| {
        let plan = PlannedLabel {
            name: label.name.clone(),
            audiences: label.audiences.clone(),
            ..PlannedLabel::default()
        };
        label_of_receipt(plan, label, receipt)
    });
    let others: Vec<_> = others.collect();
    let labels = planned.into_iter().map(|plan| match shown(&plan) {
        Some(label) => label_of_receipt(plan, label, receipt),
        None => Label::planned(plan),
    });
    labels.chain(others).collect()
}

fn label_of_receipt(plan: PlannedLabel, label: &LabelReceipt, receipt: &Receipt) -> Label {
    let Some(id) = id(label.id.as_deref()) else {
        return if label.status == LabelStatus::Dropped {
            Label::dropped(plan)
        } else {
            Label::planned(plan)
        };
    };
    let stage = match label.status {
        LabelStatus::Published => LabelStage::Published { at: receipt.updated, superseded: None },
        _ if receipt.state == StateKind::Succeeded => {
            LabelStage::Published { at: receipt.updated, superseded: Some(receipt.updated) }
        }
        LabelStatus::Withdrawn => LabelStage::Withdrawn,
        LabelStatus::Withdrawing => {
            LabelStage::Withdrawing(Withdrawal::wanted("the receipt", receipt.updated))
        }
        LabelStatus::WithdrawalWanted => {
            LabelStage::WithdrawalWanted(Withdrawal::wanted("the receipt", receipt.updated))
        }
        LabelStatus::Failed => {
            LabelStage::Failed { reason: "failed, according to the receipt".to_owned(), acknowledged: false }
        }
        _ => LabelStage::Processing,
    };
    let remote = RemoteLabel {
        step: label.step.clone(),
        state: label.state.clone(),
        ..RemoteLabel::new(id, label.not_before, stage)
    };
    Label::existing(plan, remote)
}

fn id(text: Option<&str>) -> Option<u64> {
    text.and_then(|text| text.parse().ok())
}

/// The state of a job that had not ended: it may have got further than the receipt shows.
fn held(has_plan: bool) -> State {
    let known = "the store was lost and the job was recovered from its receipt or copy; more may exist at Microsoft than is known \
                 here: look for its name in Partner Center first";
    let then = if has_plan {
        "then `approve` continues it at the known step, `cancel` ends it"
    } else {
        "its plan was lost with the store, so it cannot continue: finish it with `dropship api`, and `cancel` it here"
    };
    State::held(Fault::new(ErrorKind::Recovered, format!("{known}; {then}")))
}
