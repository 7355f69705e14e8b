//! How far a node follows the shared journal, for its metrics.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How far a node follows the shared journal, and how long it may send calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeStanding {
    /// The last line that its tables have.
    pub line: u64,
    /// Time since its tables had everything that was in the journal.
    pub lag: Duration,
    /// Time for which it may send changes to the service without a renewal of its lease; zero without a lease.
    pub lease: Duration,
}

/// When the tables of a node last had everything that was in the journal.
pub(super) struct LastCurrent(Mutex<Instant>);

impl LastCurrent {
    pub(super) fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// They have it now.
    pub(super) fn note(&self) {
        *self.0.lock() = Instant::now();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.lock().elapsed()
    }
}
