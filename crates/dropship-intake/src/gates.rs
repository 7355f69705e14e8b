//! Limits how many files are offered to the receiver at the same time.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Maximum number of files that are offered at once, on local folders and on shares each.
const CONCURRENT_OFFERS: usize = 4;

/// Two limits over all folders, first come, first served. A share that hangs blocks other shares at most, not local folders.
#[derive(Debug, Clone)]
pub(crate) struct AdmissionGates {
    pub(crate) local: Arc<Semaphore>,
    pub(crate) remote: Arc<Semaphore>,
}

impl Default for AdmissionGates {
    fn default() -> Self {
        let gate = || Arc::new(Semaphore::new(CONCURRENT_OFFERS));
        Self { local: gate(), remote: gate() }
    }
}
