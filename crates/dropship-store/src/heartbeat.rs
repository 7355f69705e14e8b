//! A sign of life of the writer's thread, for a caller that watches for stalls.

use std::time::Duration;

/// Receives the heartbeats of the writer. A disk that hangs stops them.
pub trait Heartbeat: Send + Sync {
    /// The thread is alive.
    fn beat(&self);

    /// Maximum time between two beats when there is nothing to do.
    fn idle_interval(&self) -> Duration;
}

/// The heartbeat of a store that is not watched.
pub struct Unwatched;

impl Heartbeat for Unwatched {
    fn beat(&self) {}

    fn idle_interval(&self) -> Duration {
        Duration::from_secs(60)
    }
}
