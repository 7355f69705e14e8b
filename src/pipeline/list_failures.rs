//! How often the list of a search in the background has failed while the service worked.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use dropship_job::{JobId, LateDuplicateCheck};

/// Number of failures after which the list counts as incomplete. Nothing waits for the search, and a label that it misses is
/// published, so it is repeated for hours.
const MAX_FAILURES: u32 = 12;

/// Failures in a row of the list of each search. They are forgotten when the daemon ends, so a search is repeated more often then.
#[derive(Debug, Default)]
pub(super) struct ListFailures(Mutex<BTreeMap<String, u32>>);

impl ListFailures {
    /// Counts a failure. Returns whether the list has failed so often that the search has to do without it.
    pub(super) fn is_final(&self, job: &JobId, check: &LateDuplicateCheck) -> bool {
        let mut failures = self.0.lock();
        let count = failures.entry(subject(job, check)).or_default();
        *count += 1;
        *count >= MAX_FAILURES
    }

    /// Forgets the failures of a search that is done.
    pub(super) fn forget(&self, job: &JobId, check: &LateDuplicateCheck) {
        self.0.lock().remove(&subject(job, check));
    }
}

fn subject(job: &JobId, check: &LateDuplicateCheck) -> String {
    format!("{job} {} {}", check.kind, check.name)
}
