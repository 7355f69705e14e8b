//! Log lines of the store.

use std::path::Path;

use super::id;
use dropship_job::{Job, counted};

/// Damaged records of the journal were skipped.
pub fn journal_damaged(lines: u64) {
    tracing::warn!(
        event = "journal_damaged",
        "skipped {} of the journal; the database contains their changes",
        counted(lines, "damaged line")
    );
}

/// The database was damaged and rebuilt from the journal.
pub fn store_rebuilt(moved_to: &Path, why: &str, lines: u64) {
    tracing::error!(
        event = "store_rebuilt",
        message_id = id::STORE_REBUILT,
        "the database of the store was unusable ({why}); it was moved to {} and rebuilt from {} of the journal",
        moved_to.display(),
        counted(lines, "line")
    );
}

/// The database had the form of an older dropship and was rebuilt.
pub fn store_upgraded(moved_to: &Path, lines: u64) {
    tracing::info!(
        event = "store_upgraded",
        "converted the database of the store to the present form, from {} of the journal; the former one is in {}: delete it when everything \
         works",
        counted(lines, "line"),
        moved_to.display()
    );
}

/// The tables of a node did not follow from the journal in the database and were built again.
pub fn tables_rebuilt(why: &str, lines: u64) {
    tracing::warn!(
        event = "tables_rebuilt",
        "the tables of this node were built again from {lines} lines of the journal in the database: {why}"
    );
}

/// Records of the journal that were missing in the database were replayed.
pub fn store_caught_up(lines: u64) {
    tracing::info!(
        event = "store_caught_up",
        "replayed {} of the journal into the database",
        counted(lines, "line")
    );
}

/// A new store recovered jobs from receipts and captured packages of an earlier one.
pub fn jobs_recovered(jobs: usize, held: usize) {
    if jobs > 0 {
        tracing::warn!(
            event = "jobs_recovered",
            message_id = id::JOBS_RECOVERED,
            "the store was empty: recovered {} from receipts and captured packages, {held} of them held for an operator",
            counted(jobs, "job")
        );
    }
}

/// A job that the store did not know was recovered from its receipt.
pub fn job_recovered(job: &Job, folder: &Path) {
    let (id, state) = (job.id(), job.state().kind());
    tracing::warn!(
        job_id = %id,
        event = "job_recovered",
        "recovered job {id} from its receipt in {}, which the store did not know; it is {state}, and nothing is sent again",
        folder.display()
    );
}

/// A job of the store was replaced by what its newer receipt shows.
pub fn job_caught_up(job: &Job, folder: &Path) {
    let (id, state) = (job.id(), job.state().kind());
    tracing::warn!(
        job_id = %id,
        event = "job_caught_up",
        "the store is older than the receipt of job {id} in {}: the job continues from its receipt; it is {state}",
        folder.display()
    );
}

/// A recovered job got a new plan, because its package was found again.
pub fn job_planned_again(job: &Job) {
    let (id, state) = (job.id(), job.state().kind());
    tracing::info!(
        job_id = %id,
        event = "job_planned_again",
        "planned the package of job {id} again by the rules in force, because its plan was lost; the job is {state}"
    );
}

/// The receipts show more than the store.
pub fn store_older_than_receipts(what: &str) {
    tracing::error!(
        event = "store_older_than_receipts",
        message_id = id::STORE_OLDER,
        "{what}; their jobs were recovered, and those that had not ended are held: `dropship jobs --state held`"
    );
}

/// The store failed and the daemon ends.
pub fn store_failed(message: &str) {
    tracing::error!(event = "store_failed", message_id = id::STORE_FAILED, "{message}");
}

/// A receipt in an outbox is inconsistent, so its job was not recovered.
pub fn receipt_not_recovered(invalid: &dropship_job::InvalidJob) {
    let job = &invalid.job;
    tracing::error!(
        job_id = %job,
        event = "receipt_not_recovered",
        "cannot recover job {job} from its receipt: {invalid}; look for its package in Partner Center before you drop it again"
    );
}
