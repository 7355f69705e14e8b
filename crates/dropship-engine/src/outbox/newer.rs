//! Whether a receipt shows more than the store: the store was restored from a backup.

use super::receipt::Receipt;
use dropship_job::{Job, StateKind, Step};
use dropship_store::{Store, StoreError};

/// Whether a receipt shows a later point of its job than the store.
///
/// Each event is committed before the receipt shows it. So a receipt is newer only if the store has lost an event: the receipt
/// has a later time, or a product or submission that no job of the store has.
///
/// # Errors
/// When the store cannot be read.
pub fn is_newer(receipt: &Receipt, job: &Job, store: &dyn Store) -> Result<bool, StoreError> {
    if receipt.id != *job.id() {
        return Ok(false);
    }
    if receipt.updated > job.updated() && !differs_by_a_wait(receipt, job) {
        return Ok(true);
    }
    for id in [receipt.product_id, receipt.submission_id].into_iter().flatten() {
        if store.owner(id)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the receipt may be newer only by a poll.
///
/// A power cut loses at most the commit of a poll that a receipt shows: a receipt shows any other event only after it is durable.
/// The step `sign` creates no objects. So a receipt of this step that shows the same objects and files shows no more than the
/// store.
fn differs_by_a_wait(receipt: &Receipt, job: &Job) -> bool {
    let stored_receipt = Receipt::of(job, false);
    matches!(job.step(), Step::Sign)
        && !job.state().has_ended()
        && !receipt.state.has_ended()
        && (receipt.state == StateKind::Held) == (stored_receipt.state == StateKind::Held)
        && receipt.step == stored_receipt.step
        && receipt.product_id == stored_receipt.product_id
        && receipt.submission_id == stored_receipt.submission_id
        && receipt.labels == stored_receipt.labels
        && receipt.files == stored_receipt.files
}
