//! From a captured copy to a job: known bytes, verdict, job.

use std::time::Duration;

use super::admit_error::AdmitError;
use super::captured_package::CapturedPackage;
use super::dropped_again;
use super::evaluate::{CapturedBytes, Evaluation, evaluate};
use super::inspections::POISONED;
use super::known_bytes::{KnownBytes, known_job};
use super::seen_files::was_scanned;
use super::state::{Admission, new_id};
use crate::outbox::{self, Receipt};
use crate::package_store::{PlanSnapshot, RejectedPackage};
use dropship_config::model::Backlog;
use dropship_job::{ErrorKind, Event, Fault, HoldFault, HoldReason, JobId, Package, PlannedLabel};
use dropship_package::Verdict;
use dropship_rules::plan::{LabelPlan, Plan};
use dropship_rules::schedule::GoLive;
use dropship_shared_folder::hung_places;
use dropship_store::{Commit, Entry, StoreError};

/// Maximum time for creating a package's folder: an outbox that hangs must not keep intake from other folders.
const MAX_CLAIM: Duration = Duration::from_secs(10);

/// The final verdict on a package.
enum FinalVerdict {
    Accepted(Box<PlanSnapshot>, Vec<String>),
    /// With the facts, if the rules rejected it.
    Rejected(Fault, Option<Box<RejectedPackage>>),
    Held(HoldFault),
}

/// Evaluates a captured copy and creates its job. Returns the job that the bytes have already, if they are known.
pub(super) fn decide(admission: &Admission, package: &CapturedPackage<'_>) -> Result<JobId, AdmitError> {
    if let KnownBytes::Job(id) = known_job(admission, package)? {
        if let Err(why) = &package.sidecar_checksum {
            tracing::warn!(job_id = %id, event = "sidecar", "{why}; the package is known and its job continues");
        }
        return Ok(id);
    }
    if let Some(id) = recover_from_receipt(admission, package)? {
        return Ok(id);
    }
    let verdict = match verdict_before_inspection(admission, package)? {
        Some(verdict) => verdict,
        None => inspect(admission, package)?,
    };
    create_job(admission, package, verdict)
}

/// Recovers the job of unknown bytes for which an outbox has a receipt: the store was lost, or is older than the receipt.
fn recover_from_receipt(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<Option<JobId>, AdmitError> {
    let is_known = || admission.store.find(&package.sha256, package.folder.as_deref());
    if is_known()?.is_some() {
        return Ok(None);
    }
    // The lock is not held here: an outbox that hangs must not keep intake from other folders.
    let found = admission.receipt_of_package(package).map_err(|error| {
        AdmitError::Busy(format!("cannot look for an earlier receipt of the package in the outbox: {error}"))
    })?;
    let Some(found) = found else { return Ok(None) };
    let _guard = admission.creating.lock();
    if is_known()?.is_some() {
        return Ok(None);
    }
    Ok(admission.recover_package(package, found)?.map(|job| job.id().clone()))
}

/// A verdict that needs no inspection: too large, poison, or a checksum that does not match.
fn verdict_before_inspection(
    admission: &Admission,
    package: &CapturedPackage<'_>,
) -> Result<Option<FinalVerdict>, AdmitError> {
    if let Some(fault) = &package.oversize {
        return Ok(Some(FinalVerdict::Rejected(fault.clone(), None)));
    }
    if admission.inspections.is_poison(&*admission.store, &package.sha256)? {
        return Ok(Some(FinalVerdict::Held(HoldFault::new(HoldReason::Poison, POISONED))));
    }
    let sidecar_error = package.sidecar_checksum.as_ref().err().or(package.vars.as_ref().err());
    if let Some(why) = sidecar_error.filter(|_| !package.is_settled) {
        return Err(AdmitError::NotYet(why.clone()));
    }
    let Err(why) = &package.sidecar_checksum else { return Ok(None) };
    // The checksum of an incomplete file differs.
    let unreadable = |error| AdmitError::Unreadable(format!("cannot read the copy: {error}"));
    if !package.is_stale && !package.is_complete().map_err(unreadable)? {
        return Err(AdmitError::NotYet(why.clone()));
    }
    Ok(Some(FinalVerdict::Rejected(Fault::new(ErrorKind::Sidecar, why.clone()), None)))
}

/// Inspects the copy and plans it by the rules.
fn inspect(admission: &Admission, package: &CapturedPackage<'_>) -> Result<FinalVerdict, AdmitError> {
    let not_yet = |why: String| Err(AdmitError::NotYet(why));
    let running = admission.inspections.begin(&*admission.store, &package.sha256, package.size)?;
    let (active, folder) = (admission.active(), package.folder.as_deref());
    let evaluated = evaluate(
        &active,
        (package.copy, Some(CapturedBytes { sha256: &package.sha256, previewed: &package.previewed })),
        &package.name,
        folder,
        package.rule,
        &package.vars,
        &admission.cancellation,
    );
    running.end()?;
    let evaluation = match evaluated {
        Ok(evaluation) => evaluation,
        Err(error) if admission.cancellation.is_cancelled() => return not_yet(error.to_string()),
        Err(error) => return not_yet(format!("cannot read the copy: {error}")),
    };
    let vars = package.vars.clone().unwrap_or_default();
    let rejected_package = evaluation.rejected(vars.clone()).map(Box::new);
    let Evaluation { inspection, outcome, planning, warnings, .. } = evaluation;
    match (outcome, inspection.facts.clone().zip(planning)) {
        (None, _) if package.is_stale => {
            let message = format!("truncated: {}", inspection.reasons_or("the file is incomplete"));
            Ok(FinalVerdict::Rejected(Fault::new(ErrorKind::Truncated, message), None))
        }
        (None, _) => not_yet(inspection.reasons_or("the file is incomplete")),
        // Another machine may still be writing to a file of a polled folder, so every rejection waits there.
        (Some(Err(fault)), _)
            if !package.is_settled && (package.is_polled() || inspection.verdict != Verdict::Accept) =>
        {
            not_yet(fault.message)
        }
        (Some(Err(fault)), _) => Ok(FinalVerdict::Rejected(fault, rejected_package)),
        (Some(Ok(_)), None) => not_yet("inspection found no facts".to_owned()),
        (Some(Ok(plan)), Some((facts, planning))) => Ok(FinalVerdict::Accepted(
            Box::new(PlanSnapshot { facts, plan, vars, planning: Some(planning) }),
            warnings,
        )),
    }
}

/// Creates the job, or restarts the one that the bytes had.
fn create_job(
    admission: &Admission,
    package: &CapturedPackage<'_>,
    verdict: FinalVerdict,
) -> Result<JobId, AdmitError> {
    let prepared = match &verdict {
        FinalVerdict::Accepted(snapshot, _) if admission.packages.is_remote() => {
            match prepare_job(admission, package, snapshot)? {
                PreparedJob::Known(id) => return Ok(id),
                PreparedJob::Shared(id) => Some(id),
            }
        }
        _ => None,
    };
    let guard = admission.creating.lock();
    // Another file with the same bytes may have become a job since.
    let earlier = match known_job(admission, package)? {
        KnownBytes::Job(id) => {
            drop(guard);
            if let Some(prepared) = prepared.filter(|prepared| *prepared != id) {
                discard_prepared(admission, &prepared);
            }
            return Ok(id);
        }
        KnownBytes::Again(job) => Some(job),
        KnownBytes::Unknown => None,
    };
    let new_job_id = || prepared.unwrap_or_else(new_id);
    let (id, rev) = earlier.as_ref().map_or_else(|| (new_job_id(), 0), |job| (job.id().clone(), job.rev()));
    let first_event = match earlier {
        Some(_) => dropped_again::restart_event(),
        None => Event::Arrived { package: job_package(admission, package) },
    };
    let mut events = vec![first_event];
    events.extend(events_of_verdict(admission, package, &id, verdict)?);
    let mut entries = vec![Entry::Job { job: id.clone(), rev, events: events.clone() }];
    let is_rejected = matches!(events.last(), Some(Event::Rejected { .. }));
    entries.extend(package.known_file_entry(&id, is_rejected));
    let commit = Commit::new(entries);
    let commit = match rev {
        0 => commit.if_unknown(&package.sha256, package.folder.as_deref()),
        _ => commit,
    };
    let jobs = match admission.store.commit(commit).wait() {
        Err(StoreError::Conflict { .. }) if rev == 0 => {
            drop(guard);
            discard_prepared(admission, &id);
            return Err(AdmitError::Busy("another node has accepted the same bytes".to_owned()));
        }
        result => result?,
    };
    for job in &jobs {
        admission.events.after_commit_blocking(job, &events);
    }
    drop(guard);
    Ok(id)
}

/// A job whose package is on the shared storage before the job is created.
enum PreparedJob {
    /// The bytes have become this job in the meantime.
    Known(JobId),
    /// The package of this job is shared.
    Shared(JobId),
}

/// Stores the copy and the plan as objects. No lock is held, because the network takes time.
fn prepare_job(
    admission: &Admission,
    package: &CapturedPackage<'_>,
    snapshot: &PlanSnapshot,
) -> Result<PreparedJob, AdmitError> {
    let (id, is_new) = match known_job(admission, package)? {
        KnownBytes::Job(id) => return Ok(PreparedJob::Known(id)),
        KnownBytes::Again(job) => (job.id().clone(), false),
        KnownBytes::Unknown => (new_id(), true),
    };
    let shared = admission.packages.share_ahead(&id, package.copy, snapshot);
    shared.map_err(|error| {
        if is_new && admission.packages.away().is_none() {
            discard_prepared(admission, &id);
        }
        AdmitError::Busy(format!("cannot store the captured copy: {error}"))
    })?;
    Ok(PreparedJob::Shared(id))
}

/// Deletes the copy of a job that is not created. If that fails, `doctor` finds the copy, and a later start deletes it.
fn discard_prepared(admission: &Admission, id: &JobId) {
    if let Err(error) = admission.packages.discard(id) {
        tracing::warn!("cannot delete the copy of a package that was not accepted: {error}");
    }
}

pub(super) fn job_package(admission: &Admission, package: &CapturedPackage<'_>) -> Package {
    let active = admission.active();
    let folder = package.folder.as_deref();
    let mode = folder.and_then(|name| active.folder(name)).and_then(|folder| folder.outbox_mode);
    let outbox = active.outbox(folder);
    let (ownership, folder_name) = (admission.ownership.clone(), package.folder.clone());
    let is_of_job = move |receipt: &Receipt| receipt.folder == folder_name && ownership.owns(receipt);
    let claim = {
        let (outbox_path, name, sha256) = (outbox.clone(), package.name.clone(), package.sha256.clone());
        let packages = admission.packages.clone();
        let choose =
            move || outbox::place_of_package(&packages, &outbox_path, &name, &sha256, mode, &is_of_job);
        // On object storage the place follows from the digest, also while the storage is away.
        if outbox::is_address(&outbox) {
            Ok(choose())
        } else {
            hung_places::within(&outbox, MAX_CLAIM, choose)
        }
    };
    let claim = claim.unwrap_or_else(|error| {
        tracing::warn!(
            "cannot create the folder of {} in {}: {error}; it is created later",
            package.name,
            outbox.display()
        );
        outbox::unclaimed(&outbox, &package.name, &package.sha256)
    });
    if let Some(taken) = claim.foreign.first() {
        crate::observe::outbox_name_taken(folder.unwrap_or_default(), taken, &claim.folder);
    }
    Package {
        name: package.name.clone(),
        path: package.path.clone(),
        folder: package.folder.clone(),
        sha256: package.sha256.clone(),
        size: package.size,
        outbox: claim.folder.to_string_lossy().into_owned(),
    }
}

/// The events that follow from a verdict. The copy of an accepted package is moved to its job.
fn events_of_verdict(
    admission: &Admission,
    package: &CapturedPackage<'_>,
    id: &JobId,
    verdict: FinalVerdict,
) -> Result<Vec<Event>, AdmitError> {
    let (snapshot, warnings) = match verdict {
        FinalVerdict::Rejected(fault, rejected_package) => {
            if let Some(rejected_package) = rejected_package {
                admission.keep_rejected(id, &rejected_package);
            }
            return Ok(vec![Event::Rejected { fault }]);
        }
        FinalVerdict::Held(fault) => return Ok(vec![Event::Held { fault, request: None }]),
        FinalVerdict::Accepted(snapshot, warnings) => (snapshot, warnings),
    };
    let stored = admission.packages.admit(id, package.copy, &snapshot);
    let plan =
        stored.map_err(|error| AdmitError::Busy(format!("cannot store the captured copy: {error}")))?;
    let mut events = vec![accepted_event(&snapshot, plan, warnings)];
    let (folder, content) = (package.folder.as_deref(), snapshot.facts.content_sha256.as_deref());
    if let Some(held) = admission.hold_of_same_content(id, folder, content)? {
        events.push(held);
        return Ok(events);
    }
    if is_held_as_backlog(admission, package)? {
        let message =
            "the file was already in the folder when dropship first scanned it; approve or cancel it";
        events.push(Event::Held { fault: HoldFault::new(HoldReason::Backlog, message), request: None });
    }
    Ok(events)
}

impl Admission {
    /// Stores the facts of a package that the rules rejected, so that it can be planned again for comparison.
    pub(super) fn keep_rejected(&self, id: &JobId, rejected: &RejectedPackage) {
        if let Err(error) = self.packages.keep_rejected(id, rejected) {
            tracing::warn!(
                job_id = %id,
                "cannot store the facts of the rejected package of job {id}: {error}; `plan --replay` counts it as lost"
            );
        }
    }
}

/// The labels of a plan as the job has to know them.
pub(crate) fn planned_labels(plan: &Plan) -> Vec<PlannedLabel> {
    let index = |name: &String| plan.labels.iter().position(|label| label.name == *name);
    let planned_label = |label: &LabelPlan| PlannedLabel {
        name: label.name.clone(),
        audiences: label.audiences.clone(),
        after: label.after.iter().flat_map(|after| &after.labels).filter_map(index).collect(),
        soak_seconds: label.after.as_ref().map_or(0, |after| after.soak_seconds),
        go_live: label.go_live.and_then(GoLive::fixed),
        approvals: label.hold.operators(),
    };
    plan.labels.iter().map(planned_label).collect()
}

/// The event of a package that was accepted with this plan; `digest` is that of the stored plan.
pub(super) fn accepted_event(snapshot: &PlanSnapshot, digest: String, warnings: Vec<String>) -> Event {
    let PlanSnapshot { facts, plan, vars, .. } = snapshot;
    Event::Accepted {
        rule: plan.rule.clone(),
        account: plan.account.clone(),
        plan: digest,
        content: facts.content_sha256.clone(),
        labels: planned_labels(plan),
        warnings,
        vars: vars.clone(),
    }
}

fn is_held_as_backlog(admission: &Admission, package: &CapturedPackage<'_>) -> Result<bool, AdmitError> {
    let Some(folder) = package.folder.as_deref().filter(|_| package.is_backlog) else { return Ok(false) };
    let holds = admission.active().folder(folder).is_some_and(|folder| folder.backlog == Backlog::Hold);
    Ok(holds && !was_scanned(&*admission.store, folder)?)
}
