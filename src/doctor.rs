//! What is not as it should be: in the store, among the captured copies, in the outboxes. Nothing is changed.

use std::collections::BTreeSet;

use crate::digest;
use crate::outbox::read_receipt;
use crate::package_store::PackageStore;
use dropship_job::{Creation, Job, JobId, State};
use dropship_store::{Filter, Finding, Store, StoreError};

/// Jobs that are looked at together.
const PAGE: usize = 256;

/// Examines a store and what lies beside it.
///
/// # Errors
/// When the store cannot be read.
pub fn examine(store: &dyn Store, depot: &PackageStore) -> Result<Vec<Finding>, StoreError> {
    let mut findings = store.check()?;
    let unread = |source| StoreError::Io { what: "cannot read", path: "packages".into(), error: source };
    let mut ownerless: BTreeSet<JobId> = depot.jobs().map_err(unread)?.into_iter().collect();
    let mut before = None;
    loop {
        let page = store.jobs(&Filter { state: None, before, limit: PAGE })?;
        for job in &page {
            ownerless.remove(job.id());
            findings.extend(copy_of(depot, job));
            findings.extend(receipt_of(job));
            findings.extend(doubt_of(job));
        }
        before = page.last().map(|job| job.id().clone());
        if before.is_none() {
            break;
        }
    }
    for id in ownerless {
        // A package that came in meanwhile is nobody's only for an instant.
        if store.job(&id)?.is_none() && depot.jobs().map_err(unread)?.contains(&id) {
            findings.push(Finding::new(
                format!("a captured package lies under {id}, and there is no such job"),
                "the next start throws it away: the daemon died before the package counted, and takes it in anew",
            ));
        }
    }
    Ok(findings)
}

/// From `accepted` on the copy is all that a job has, until the signed package is back.
fn copy_of(depot: &PackageStore, job: &Job) -> Option<Finding> {
    let needed = job.is_accepted()
        && job.collected().is_none()
        && !matches!(job.state(), State::Succeeded | State::Cancelled | State::Rejected { .. });
    if !needed {
        return None;
    }
    let mend = "restore it from a backup of the store, or cancel the job and drop the package again";
    let path = depot.package(job.id());
    let plan = job.plan().unwrap_or_default();
    match digest::of_file(&path) {
        Err(error) => Some(Finding::new(
            format!("job {}: its captured package {} cannot be read: {error}", job.id(), path.display()),
            mend,
        )),
        Ok(sha256) if sha256 != job.package().sha256 => Some(Finding::new(
            format!("job {}: {} does not hold the bytes that came in", job.id(), path.display()),
            mend,
        )),
        Ok(_) => depot
            .plan_snapshot(job.id(), plan)
            .err()
            .map(|error| Finding::new(format!("job {}: its plan cannot be read: {error}", job.id()), mend)),
    }
}

/// What an ended job may have made is still to be looked for.
fn doubt_of(job: &Job) -> Option<Finding> {
    let check = job.duplicate_checks().first().filter(|_| job.state().has_ended())?;
    let (id, name, kind) = (job.id(), &check.name, check.kind);
    Some(match job.creation(kind).and_then(Creation::intent) {
        Some(_) => Finding::new(
            format!(
                "job {id} ended while the create of `{name}` ({kind}) was in doubt, and nobody has looked since"
            ),
            format!(
                "the daemon looks for it from {:.0} on; `dropship retry` goes on with what came",
                check.due
            ),
        ),
        None => Finding::new(
            format!(
                "job {id} called the create of `{name}` ({kind}) more than once, and nobody has looked since whether more than one came of it"
            ),
            format!("the daemon looks for it from {:.0} on and tells", check.due),
        ),
    })
}

/// A receipt that was taken away is the build server's business; one that says something else is not.
fn receipt_of(job: &Job) -> Option<Finding> {
    let receipt = read_receipt(std::path::Path::new(&job.package().outbox))?;
    let stale = receipt.id == *job.id() && job.state().has_ended() && receipt.state != job.state().kind();
    stale.then(|| {
        let (id, said, is) = (job.id(), receipt.state, job.state().kind());
        Finding::new(
            format!("job {id} is {is}, and its receipt in {} says {said}", job.package().outbox),
            "the daemon writes it again within a minute, once the outbox can be written",
        )
    })
}
