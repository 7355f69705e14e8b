//! Two kinds of time: the wall clock, which tokens and signed URLs expire by, and working time,
//! which submissions and labels ripen by and which `speed` stretches.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::lock;

/// The clock of one sandbox.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    speed: f64,
    advanced: Mutex<Duration>,
    ripened: Mutex<Duration>,
}

impl Clock {
    /// A clock whose working time runs `speed` times as fast as the wall clock.
    ///
    /// A speed that is not a positive number counts as 1.
    pub(super) fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { started: Instant::now(), speed, advanced: Mutex::default(), ripened: Mutex::default() }
    }

    /// The wall clock: the machine's, plus what was skipped by [`Clock::advance`].
    pub(super) fn wall(&self) -> Timestamp {
        let skipped = *lock(&self.advanced);
        Timestamp::now().checked_add(skipped).unwrap_or(Timestamp::MAX)
    }

    /// Real time since the start plus what was skipped: what throttling counts by.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed().saturating_add(*lock(&self.advanced))
    }

    /// Working time since the start.
    pub(super) fn work(&self) -> Duration {
        let ran = self.started.elapsed().as_secs_f64() * self.speed;
        let ran = Duration::try_from_secs_f64(ran).unwrap_or(Duration::MAX);
        ran.saturating_add(*lock(&self.advanced)).saturating_add(*lock(&self.ripened))
    }

    /// Skips a span of both kinds of time.
    pub(super) fn advance(&self, span: Duration) {
        let mut advanced = lock(&self.advanced);
        *advanced = advanced.saturating_add(span);
    }

    /// Skips a span of working time alone: workflows go on, tokens and signed URLs do not age.
    pub(super) fn ripen(&self, span: Duration) {
        let mut ripened = lock(&self.ripened);
        *ripened = ripened.saturating_add(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_moves_both_times() {
        let clock = Clock::new(1.0);
        let (wall, work) = (clock.wall(), clock.work());
        clock.advance(Duration::from_secs(7200));
        assert!(clock.wall().duration_since(wall).as_secs() >= 7200);
        assert!(clock.work() - work >= Duration::from_secs(7200));
    }

    #[test]
    fn a_foolish_speed_is_one() {
        let clock = Clock::new(f64::NAN);
        assert!(clock.work() < Duration::from_secs(60));
    }
}
