//! The limits of `[guard]` while the daemon runs. A reload replaces them.

use std::sync::Arc;

use parking_lot::RwLock;

use dropship_rules::label::Guard;

/// The current limits.
#[derive(Debug, Default)]
pub struct LabelGuard(RwLock<Arc<Guard>>);

impl LabelGuard {
    /// Replaces the limits.
    pub fn replace(&self, guard: &Guard) {
        *self.0.write() = Arc::new(guard.clone());
    }

    /// The limits in force.
    pub(super) fn current(&self) -> Arc<Guard> {
        Arc::clone(&self.0.read())
    }
}
