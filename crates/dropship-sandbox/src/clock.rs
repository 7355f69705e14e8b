//! Two clocks: wall time, by which tokens and signed URLs expire, and working time, by which submissions and labels
//! progress. `speed` scales working time only.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::lock::lock;

/// The clock of one sandbox.
#[derive(Debug)]
pub(crate) struct SandboxClock {
    started: Instant,
    speed: f64,
    advanced: Mutex<Duration>,
    work_advanced: Mutex<Duration>,
}

impl SandboxClock {
    /// A clock whose working time runs `speed` times as fast as the wall clock.
    ///
    /// A speed that is not a positive number counts as 1.
    pub(crate) fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { started: Instant::now(), speed, advanced: Mutex::default(), work_advanced: Mutex::default() }
    }

    /// Wall time: the clock of the machine plus the time skipped by [`SandboxClock::advance`].
    pub(crate) fn wall(&self) -> Timestamp {
        let skipped = *lock(&self.advanced);
        Timestamp::now().checked_add(skipped).unwrap_or(Timestamp::MAX)
    }

    /// Real time since the start plus the time skipped by [`SandboxClock::advance`]; throttling uses it.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_add(*lock(&self.advanced))
    }

    /// Working time since the start.
    pub(crate) fn work(&self) -> Duration {
        let since_start = self.started.elapsed().as_secs_f64() * self.speed;
        let since_start = Duration::try_from_secs_f64(since_start).unwrap_or(Duration::MAX);
        since_start.saturating_add(*lock(&self.advanced)).saturating_add(*lock(&self.work_advanced))
    }

    /// Advances both clocks.
    pub(crate) fn advance(&self, span: Duration) {
        let mut advanced = lock(&self.advanced);
        *advanced = advanced.saturating_add(span);
    }

    /// Advances working time only.
    pub(crate) fn advance_work(&self, span: Duration) {
        let mut advanced = lock(&self.work_advanced);
        *advanced = advanced.saturating_add(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advance_moves_both_clocks() {
        let clock = SandboxClock::new(1.0);
        let (wall, work) = (clock.wall(), clock.work());
        clock.advance(Duration::from_secs(7200));
        assert!(clock.wall().duration_since(wall).as_secs() >= 7200);
        assert!(clock.work() - work >= Duration::from_secs(7200));
    }

    #[test]
    fn invalid_speed_counts_as_one() {
        let clock = SandboxClock::new(f64::NAN);
        // At any other speed, working time is not between two readings of the machine's clock.
        let before = clock.started.elapsed();
        let work = clock.work();
        assert!((before..=clock.started.elapsed()).contains(&work), "{work:?}");
    }
}
