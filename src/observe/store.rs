//! Log lines of the store.

use std::path::Path;

use super::id;

/// Damaged records of the journal were skipped.
pub fn journal_damaged(lines: u64) {
    tracing::warn!(
        event = "journal_damaged",
        "skipped {lines} damaged lines of the journal; the database contains their changes"
    );
}

/// The database was damaged and rebuilt from the journal.
pub fn store_rebuilt(aside: &Path, why: &str, lines: u64) {
    tracing::error!(
        event = "store_rebuilt",
        message_id = id::STORE_REBUILT,
        "the database of the store was unusable ({why}); it was moved to {} and rebuilt from {lines} lines of the journal",
        aside.display()
    );
}

/// Records of the journal that were missing in the database were replayed.
pub fn store_caught_up(lines: u64) {
    tracing::info!(event = "store_caught_up", "replayed {lines} lines of the journal into the database");
}

/// A new store recovered jobs from receipts and captured packages of an earlier one.
pub fn jobs_recovered(jobs: usize, held: usize) {
    if jobs > 0 {
        tracing::warn!(
            event = "jobs_recovered",
            message_id = id::JOBS_RECOVERED,
            "the store was empty: recovered {jobs} jobs from receipts and captured packages, {held} of them held for an operator"
        );
    }
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
