//! Finds problems of the store, the captured copies and the outboxes. It changes nothing.

use std::collections::BTreeSet;

use dropship_config::model::Config;
use dropship_engine::admission::{ReceiptComparison, StaleStore};
use dropship_engine::outbox::ResultPlace;
use dropship_engine::package_store::PackageStore;
use dropship_job::{CreateProgress, Job, JobId, State, counted};
use dropship_store::{Filter, Finding, Store, StoreError};

/// Number of jobs that are read together.
const PAGE: usize = 256;

/// Checks a store, its captured packages and its receipts, which it was compared with. Returns the
/// problems that were found.
///
/// # Errors
/// When the store cannot be read.
pub fn examine(
    store: &dyn Store,
    packages: &PackageStore,
    comparison: &ReceiptComparison,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = store.check()?;
    let read_error = |source| StoreError::Io { what: "cannot read", path: "packages".into(), error: source };
    let mut orphans: BTreeSet<JobId> = packages.jobs().map_err(read_error)?.into_iter().collect();
    let mut before = None;
    loop {
        let page = store.jobs(&Filter { state: None, before, limit: PAGE })?;
        for job in &page {
            orphans.remove(job.id());
            findings.extend(check_copy(packages, job));
            findings.extend(check_receipt(packages, comparison, job));
            findings.extend(check_doubt(job));
        }
        before = page.last().map(|job| job.id().clone());
        if before.is_none() {
            break;
        }
    }
    for id in orphans {
        // A package that is being accepted has no job for an instant.
        if store.job(&id)?.is_none() && packages.jobs().map_err(read_error)?.contains(&id) {
            let remedy = if comparison.unknown.contains(&id) {
                "no action needed: the next start recovers its job from the receipt, and keeps the package while the job needs it"
            } else if packages.keeps_new_orphans() {
                "the next start that is more than a day later deletes it: a daemon ended before it had accepted the package, and captures it \
                 again"
            } else {
                "the next start deletes it: the daemon ended before it had accepted the package, and captures it again"
            };
            findings.push(Finding::new(format!("the captured package {id} belongs to no job"), remedy));
        }
    }
    Ok(findings)
}

/// The store lacks what the receipts show: it was restored from a backup.
#[must_use]
pub fn stale_store(comparison: &ReceiptComparison, config: &Config) -> Option<Finding> {
    let safe = "nothing that a receipt shows is sent again: the daemon recovers these jobs when it starts";
    let remedy = match config.store.database {
        Some(_) => format!(
            "{safe}. Then decide on the jobs that `dropship jobs --state held` lists (docs/fleet.md, \"Back up and restore\")"
        ),
        None => format!(
            "{safe}. To have all of it in the store: stop the daemon, move the folders `journal` and `sled` of the store away, and start it \
             (docs/operating.md, \"Restore\"); then decide on the jobs that `dropship jobs --state held` lists"
        ),
    };
    let stale = comparison.stale;
    stale.is_stale().then(|| Finding::new(format!("store-older-than-receipts: {stale}"), remedy))
}

/// This daemon has recovered what the store lacked; an operator has not decided on all of it yet.
#[must_use]
pub fn recovered_store(stale: StaleStore, undecided: usize) -> Option<Finding> {
    let remedy = match undecided {
        0 => "no action needed: the jobs were recovered; this message ends with the next start of the daemon"
            .to_owned(),
        count => format!(
            "decide on the {} that `dropship jobs --state held` lists (docs/operating.md, \"Restore\")",
            counted(count, "recovered job")
        ),
    };
    stale.is_stale().then(|| Finding::new(format!("store-older-than-receipts: {stale}"), remedy))
}

/// From `accepted` until the signed package is collected, the job depends on its copy.
fn check_copy(packages: &PackageStore, job: &Job) -> Option<Finding> {
    let is_needed = job.is_accepted()
        && job.collected().is_none()
        && !matches!(job.state(), State::Succeeded | State::Cancelled | State::Rejected { .. });
    if !is_needed {
        return None;
    }
    let remedy = "restore it from a backup of the store, or cancel the job and drop the package again";
    let name = || packages.copy_name(job.id());
    match packages.copy_facts(job.id()) {
        Err(error) => Some(Finding::new(
            format!("job {}: cannot read its captured package {}: {error}", job.id(), name()),
            remedy,
        )),
        Ok(facts) if facts.sha256 != job.package().sha256 => Some(Finding::new(
            format!("job {}: {} has other bytes than the package that was inspected", job.id(), name()),
            remedy,
        )),
        Ok(_) => match job.plan().map(|plan| packages.plan_snapshot(job.id(), plan)) {
            Some(Ok(_)) => None,
            Some(Err(error)) => {
                Some(Finding::new(format!("job {}: cannot read its plan: {error}", job.id()), remedy))
            }
            None => Some(Finding::new(
                format!("job {}: its plan was lost with an earlier store", job.id()),
                remedy,
            )),
        },
    }
}

/// A duplicate check of an ended job that is still to be done.
fn check_doubt(job: &Job) -> Option<Finding> {
    let check = job.duplicate_checks().first().filter(|_| job.state().has_ended())?;
    let (id, name, kind) = (job.id(), &check.name, check.kind);
    Some(match job.creation(kind).and_then(CreateProgress::intent) {
        Some(_) => Finding::new(
            format!(
                "job {id} ended before the response to the create of the {kind} `{name}` arrived; the object may exist"
            ),
            format!(
                "the daemon searches for it from {:.0} on; `dropship retry {id}` continues with the object that it finds",
                check.due
            ),
        ),
        None => Finding::new(
            format!(
                "job {id} sent the create of the {kind} `{name}` more than once; more than one object may exist"
            ),
            format!("the daemon searches for duplicates from {:.0} on and reports them", check.due),
        ),
    })
}

/// A receipt may be missing, since the build server may delete it. It must not contradict the job.
fn check_receipt(packages: &PackageStore, comparison: &ReceiptComparison, job: &Job) -> Option<Finding> {
    let receipt_state = match ResultPlace::of(packages, &job.package().outbox, None) {
        // They were read together: one by one, each would take the time of a call.
        ResultPlace::Objects(_) => *comparison.receipt_states.get(job.id())?,
        place => place.receipt().ok()?.filter(|receipt| receipt.id == *job.id())?.state,
    };
    let is_stale = job.state().has_ended() && receipt_state != job.state().kind();
    is_stale.then(|| {
        let (id, state) = (job.id(), job.state().kind());
        Finding::new(
            format!("job {id} is {state}, but its receipt in {} shows {receipt_state}", job.package().outbox),
            "the daemon writes it again within a minute, once the outbox can be written",
        )
    })
}
