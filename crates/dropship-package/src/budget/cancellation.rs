//! A signal that ends inspections in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends inspections in progress. All clones share one state, which never goes back.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Ends all inspections that have this signal, within the time for some megabytes of data.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
