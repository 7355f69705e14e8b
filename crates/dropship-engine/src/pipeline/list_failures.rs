//! How often the list of a search in the background has failed while the service worked.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use dropship_job::{JobId, LateDuplicateCheck};

/// Number of failures after which the list counts as incomplete. Nothing waits for the search, and a label that it misses is
/// published, so it is repeated for an hour at least.
const MAX_FAILURES: u32 = 12;

/// Minimum time from the first of them to the last. A job that is polled often searches as often.
const MIN_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Failures in a row of the list of each search, with the time of the first. They are forgotten when the daemon ends, so a search
/// is repeated more often then.
#[derive(Debug, Default)]
pub(super) struct ListFailures(Mutex<BTreeMap<String, (u32, Timestamp)>>);

impl ListFailures {
    /// Counts a failure. Returns whether the list has failed so often that the search has to do without it.
    pub(super) fn is_final(&self, job: &JobId, check: &LateDuplicateCheck, now: Timestamp) -> bool {
        let mut failures = self.0.lock();
        let (count, first) = failures.entry(search_key(job, check)).or_insert((0, now));
        *count = count.saturating_add(1);
        *count >= MAX_FAILURES && now.duration_since(*first) >= MIN_TIME
    }

    /// Forgets the failures of a search that is done.
    pub(super) fn forget(&self, job: &JobId, check: &LateDuplicateCheck) {
        self.0.lock().remove(&search_key(job, check));
    }
}

fn search_key(job: &JobId, check: &LateDuplicateCheck) -> String {
    format!("{job} {} {}", check.kind, check.name)
}
