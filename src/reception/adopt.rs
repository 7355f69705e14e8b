//! A store that begins empty beside what an earlier one left takes that up: receipts in the outboxes, and captured
//! copies. So a lost store never makes an old package new.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Reception;
use crate::digest;
use crate::outbox::{Receipt, read_receipt};
use crate::store::{Commit, Entry, StoreError};
use dropship_job::{
    self, Commit as Committed, Creation, Event, Fault, Illegal, Job, JobId, Package, State, StateKind, Step,
};

/// Jobs that are taken up at once.
const AT_ONCE: usize = 256;

/// What was taken up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Jobs in all.
    pub jobs: usize,
    /// Those that had not ended and wait for a person.
    pub held: usize,
}

impl Reception {
    /// Takes up receipts, and copies that no receipt speaks of; of the stand-in's receipts only with `sandbox`.
    ///
    /// # Errors
    /// When the store cannot be written, or the captured copies cannot be read. Receipts that cannot be read are none.
    pub fn adopt(&self, sandbox: bool) -> Result<Adopted, StoreError> {
        let mut adopted = Adopted::default();
        let mut known = BTreeSet::new();
        let mut entries = Vec::new();
        let mut take = |job: Job, entries: &mut Vec<Entry>| -> Result<(), StoreError> {
            adopted.jobs += 1;
            adopted.held += usize::from(!job.state.has_ended());
            known.insert(job.id.clone());
            entries.push(Entry::Snapshot { receipt_written: job.state.has_ended(), job: Box::new(job) });
            if entries.len() == AT_ONCE { self.commit(entries) } else { Ok(()) }
        };
        for receipt in self.outboxes().iter().flat_map(|outbox| receipts_in(outbox)) {
            if receipt.sandbox == sandbox && speaks_of_more_than_a_refusal(&receipt) {
                let plan = self.depot.dossier_digest(&receipt.id);
                take(of_receipt(&receipt, plan)?, &mut entries)?;
            }
        }
        let unread = |source| StoreError::Io { what: "cannot read", path: "packages".into(), error: source };
        for id in self.depot.jobs().map_err(unread)? {
            if let Some(plan) = self.depot.dossier_digest(&id).filter(|_| !known.contains(&id)) {
                adopted.jobs += 1;
                adopted.held += 1;
                let job = self.of_copy(&id, plan).map_err(unread)?;
                entries.push(Entry::Snapshot { receipt_written: false, job: Box::new(job?) });
            }
        }
        self.commit(&mut entries)?;
        Ok(adopted)
    }

    fn commit(&self, entries: &mut Vec<Entry>) -> Result<(), StoreError> {
        match entries.is_empty() {
            true => Ok(()),
            false => self.store.commit(Commit::new(std::mem::take(entries))).wait().map(|_| ()),
        }
    }

    /// Every outbox that the configuration knows.
    fn outboxes(&self) -> BTreeSet<PathBuf> {
        let rulebook = self.rulebook();
        let names = rulebook.config.folders.iter().map(|folder| Some(folder.name.as_str()));
        names.chain([None]).map(|name| rulebook.outbox(name)).collect()
    }

    /// A job of which nothing is left but its copy and its dossier.
    fn of_copy(&self, id: &JobId, plan: String) -> std::io::Result<Result<Job, Illegal>> {
        let dossier = self.depot.dossier(id, &plan)?;
        let copy = self.depot.package(id);
        let (sha256, size) = match copy.metadata() {
            Ok(meta) => (digest::of_file(&copy)?, meta.len()),
            Err(_) => (String::new(), dossier.facts.size),
        };
        let name = format!("{id}.{}", dossier.facts.kind.as_str());
        let outbox = self.rulebook().outbox(None).join(id.as_str());
        let package = Package {
            name,
            path: None,
            folder: None,
            sha256,
            size,
            outbox: outbox.to_string_lossy().into_owned(),
        };
        let at = jiff::Timestamp::now();
        let accepted = super::take::accepted(&dossier, plan, Vec::new());
        let begun = dropship_job::fold(id, [(at, &Event::Arrived { package }), (at, &accepted)]);
        Ok(begun.map(|job| job.map(|job| Job { state: held(true), ..job })).transpose().unwrap_or_else(
            || {
                Err(Illegal {
                    job: id.clone(),
                    step: Step::Inspect,
                    state: "none",
                    event: "arrived",
                    why: "nothing came of it",
                })
            },
        ))
    }
}

/// The receipts of an outbox.
fn receipts_in(outbox: &Path) -> Vec<Receipt> {
    let Ok(folders) = std::fs::read_dir(outbox) else { return Vec::new() };
    folders.flatten().filter_map(|folder| read_receipt(&folder.path())).collect()
}

/// Bytes that were refused before anything was sent are judged anew when they are dropped again, with or without a store.
fn speaks_of_more_than_a_refusal(receipt: &Receipt) -> bool {
    receipt.accepted || receipt.product_id.is_some() || receipt.submission_id.is_some()
}

/// The job that a receipt tells of; `plan` is the digest of its dossier, if that is still there.
fn of_receipt(receipt: &Receipt, plan: Option<String>) -> Result<Job, Illegal> {
    let package = Package {
        name: receipt.package.clone(),
        path: receipt.path.clone(),
        folder: receipt.folder.clone(),
        sha256: receipt.sha256.clone(),
        size: receipt.size,
        outbox: receipt.outbox.clone(),
    };
    let begun = dropship_job::apply(None, &receipt.id, receipt.created, &Event::Arrived { package })?;
    let fault =
        || receipt.error.clone().unwrap_or_else(|| Fault::new("unknown", "the receipt does not say why"));
    let state = match receipt.state {
        StateKind::Succeeded => State::Succeeded,
        StateKind::Failed => State::Failed { fault: fault() },
        StateKind::Rejected => State::Rejected { fault: fault() },
        StateKind::Cancelled => State::Cancelled,
        StateKind::Queued | StateKind::Running | StateKind::Waiting | StateKind::Held => held(plan.is_some()),
    };
    let signed = !receipt.files.is_empty();
    let submitted = signed || receipt.workflow.is_some();
    let labels = receipt.labels.iter().map(|label| dropship_job::Label {
        step: label.step.clone(),
        state: label.state.clone(),
        published: (state == State::Succeeded).then_some(receipt.updated),
        ..dropship_job::Label::named(&label.name, exists(label.id.as_deref()))
    });
    Ok(Job {
        updated: receipt.updated,
        accepted: receipt.accepted,
        rule: receipt.rule.clone(),
        plan,
        warnings: receipt.warnings.clone(),
        vars: receipt.vars.clone(),
        step: receipt.step,
        product: exists(receipt.product_id.as_deref()),
        abandoned_products: receipt.burnt_products.clone(),
        submission: exists(receipt.submission_id.as_deref()),
        uploaded: submitted,
        commit: if submitted { Committed::Done } else { Committed::Open },
        workflow: receipt.workflow.clone().map(|workflow| (workflow.step, workflow.state)),
        files: receipt.files.clone(),
        labels: labels.collect(),
        step_started: receipt.updated,
        fault: receipt.error.clone(),
        collected: signed.then_some(receipt.updated),
        account: receipt.account.clone(),
        state,
        ..begun
    })
}

fn exists(id: Option<&str>) -> Creation {
    id.and_then(|id| id.parse().ok()).map_or(Creation::Open, |id| Creation::Done { id })
}

/// What was under way when the store was lost may have gone further than is known.
fn held(has_plan: bool) -> State {
    let known = "its store was lost, and it was taken up from what lay beside; more may exist at Microsoft than is \
                 known of here: look there for its name first";
    let then = if has_plan {
        "then `approve` lets it go on where it is known to stand, `cancel` ends it"
    } else {
        "its plan was lost with the store, so it cannot go on: finish it by `dropship api`, and `cancel` it here"
    };
    State::Held { fault: Fault::new("taken-up", format!("{known}; {then}")), request: None }
}
