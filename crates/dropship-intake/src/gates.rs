//! Limits how many files are offered to the receiver at the same time.

use crate::hung::WorkPermits;

/// Maximum number of files that are offered at once, on local folders and on shares each.
const CONCURRENT_OFFERS: usize = 4;

/// Two limits over all folders, first come, first served. Slow shares delay other shares only, not local folders.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionGates {
    pub(crate) local: WorkPermits,
    pub(crate) remote: WorkPermits,
}

impl Default for AdmissionGates {
    fn default() -> Self {
        Self { local: WorkPermits::new(CONCURRENT_OFFERS), remote: WorkPermits::new(CONCURRENT_OFFERS) }
    }
}
