//! Entry points for the fuzz targets.

use std::path::PathBuf;

use super::recovered_job::{StoredPlan, recovered_job_of_receipt};
use crate::outbox::{FoundReceipt, Receipt};
use dropship_job::{Job, PlannedLabel};

/// Recovers the job of a receipt, with and without the stored plan. The job of a receipt is never one that cannot be stored.
pub fn recover(receipt: Receipt) {
    let found = FoundReceipt { folder: PathBuf::from("/out/echo"), receipt };
    let label = |name: &str| PlannedLabel { name: name.to_owned(), ..PlannedLabel::default() };
    let plan = StoredPlan { digest: "ab".repeat(32), labels: vec![label("ring"), label("retail")] };
    for plan in [None, Some(plan)] {
        let Ok(job) = Job::recovered(recovered_job_of_receipt(&found, plan)) else { continue };
        let stored = serde_json::to_vec(&job).unwrap_or_default();
        assert_eq!(
            serde_json::from_slice::<Job>(&stored).ok().as_ref(),
            Some(&job),
            "a stored job reads the same"
        );
    }
}
