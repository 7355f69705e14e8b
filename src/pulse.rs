//! Heartbeats of the parts that can hang.
//!
//! Each part beats when it comes round in its loop. Whoever feeds the watchdog asks how old the beats are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Milliseconds since the first question; a clock that nobody sets.
fn now() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// So often a part comes round that has nothing to do.
const AT_REST: Duration = Duration::from_secs(2);

/// How often a part comes round that has nothing to do: often enough for the watchdog, and no oftener.
#[must_use]
pub fn pace() -> Duration {
    static PACE: OnceLock<Duration> = OnceLock::new();
    *PACE.get_or_init(|| within(crate::service::watchdog()))
}

/// A part may be silent for half of the watchdog's patience.
fn within(patience: Option<Duration>) -> Duration {
    patience.map_or(AT_REST, |patience| (patience / 8).clamp(Duration::from_millis(20), AT_REST))
}

/// One part's heart.
#[derive(Debug, Clone)]
pub struct Beat(Arc<AtomicU64>);

impl Default for Beat {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(now())))
    }
}

impl Beat {
    /// The part is alive now.
    pub fn beat(&self) {
        self.0.store(now(), Ordering::Relaxed);
    }

    /// How long ago it last was.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.0.load(Ordering::Relaxed)))
    }
}

/// The hearts of all parts.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Mutex<Vec<(&'static str, Beat)>>>);

impl Pulse {
    /// Listens to a part from now on.
    pub fn listen(&self, part: &'static str, beat: &Beat) {
        beat.beat();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((part, beat.clone()));
    }

    /// How old the last beat of each part is.
    #[must_use]
    pub fn ages(&self) -> Vec<(&'static str, Duration)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(part, beat)| (*part, beat.age())).collect()
    }

    /// The parts that have not beaten for longer than `limit`.
    #[must_use]
    pub fn silent(&self, limit: Duration) -> Vec<(&'static str, Duration)> {
        self.ages().into_iter().filter(|(_, age)| *age > limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_comes_round_well_within_what_the_watchdog_bears() {
        assert_eq!(within(None), AT_REST);
        assert_eq!(within(Some(Duration::from_secs(120))), AT_REST);
        assert_eq!(within(Some(Duration::from_secs(3))), Duration::from_millis(375));
        assert_eq!(within(Some(Duration::ZERO)), Duration::from_millis(20));
    }

    #[test]
    fn a_part_that_does_not_beat_is_named() {
        let (pulse, quick, slow) = (Pulse::default(), Beat::default(), Beat::default());
        pulse.listen("quick", &quick);
        pulse.listen("slow", &slow);
        assert_eq!(pulse.silent(Duration::from_secs(60)), []);
        while slow.age() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        quick.beat();
        let silent: Vec<_> =
            pulse.silent(Duration::from_millis(4)).into_iter().map(|(part, _)| part).collect();
        assert_eq!(silent, ["slow"]);
    }
}
