//! How long to wait: back-off with full jitter after failures, growing intervals between looks.

use std::time::Duration;

use crate::config::model::Pace;

/// A delay after so many failures: any time up to a limit that doubles from `first` to `max`.
///
/// Full jitter keeps jobs that failed together from coming back together.
#[must_use]
pub(super) fn back_off(pace: Pace, failures: u32, asked: Option<Duration>) -> Duration {
    let limit = pace.first.saturating_mul(2_u32.saturating_pow(failures.min(20))).min(pace.max);
    let delay = limit.mul_f64(chance());
    // What the service asked for is a floor.
    delay.max(asked.unwrap_or_default())
}

/// The time to the next look at something that has been waited for so long: a tenth of that, within bounds.
#[must_use]
pub(super) fn next_look(pace: Pace, waited: Duration) -> Duration {
    let proportional = (waited / 10).clamp(pace.first.min(pace.max), pace.max);
    // A spread of a tenth keeps the looks of many jobs apart.
    proportional.mul_f64(0.95 + chance() / 10.0)
}

/// A number from 0 to 1.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { first: Duration::from_millis(500), max: Duration::from_secs(300) };

    #[test]
    fn back_off_stays_below_its_limit_and_above_what_was_asked_for() {
        for failures in 0..40 {
            let limit = PACE.first.saturating_mul(1 << failures.min(20)).min(PACE.max);
            assert!(back_off(PACE, failures, None) <= limit, "{failures}");
            let asked = Duration::from_secs(7);
            assert!(back_off(PACE, failures, Some(asked)) >= asked);
        }
    }

    #[test]
    fn looks_get_rarer_with_the_time_waited() {
        let near = |delay: Duration, wanted: f64| (delay.as_secs_f64() / wanted - 1.0).abs() < 0.06;
        assert!(near(next_look(PACE, Duration::ZERO), 0.5));
        assert!(near(next_look(PACE, Duration::from_secs(600)), 60.0));
        assert!(near(next_look(PACE, Duration::from_secs(1 << 20)), 300.0));
    }
}
