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

/// The time to the next look at something that has been waited for so long, within bounds.
///
/// It grows with the root of the wait: a share of the wait itself asks too often early and notices too late after an
/// hour. With 15 s and 5 min some 40 looks follow 40 minutes and notice after a minute in the mean; with 1 min and
/// 1 h some 210 follow three days.
#[must_use]
pub(super) fn rooted(pace: Pace, waited: Duration) -> Duration {
    let rooted = 0.62 * (pace.first.as_secs_f64() * waited.as_secs_f64()).sqrt();
    Duration::try_from_secs_f64(rooted).unwrap_or(pace.max).clamp(pace.first.min(pace.max), pace.max)
}

/// The same, spread.
#[must_use]
pub(super) fn next_look(pace: Pace, waited: Duration) -> Duration {
    spread(rooted(pace, waited))
}

/// A spread of a tenth keeps the looks of many jobs apart.
#[must_use]
pub(super) fn spread(span: Duration) -> Duration {
    span.mul_f64(0.95 + chance() / 10.0)
}

/// A number from 0 to 1.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace::new(Duration::from_millis(500), Duration::from_secs(300));

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
        assert!(near(next_look(PACE, Duration::from_secs(20_000)), 62.0));
        assert!(near(next_look(PACE, Duration::from_secs(1 << 20)), 300.0));
    }

    /// Follows something that takes so long, on a clock that only the looks move: how many looks it costs until its
    /// end is seen, and how much later than the end that is.
    fn follow(pace: Pace, takes: Duration) -> (u32, Duration) {
        let (mut now, mut looks) = (Duration::ZERO, 1);
        while now < takes {
            now += next_look(pace, now);
            looks += 1;
        }
        (looks, now - takes)
    }

    /// The most looks, and the mean delay, over ends that lie at any point between two looks.
    fn cost(pace: Pace, around: Duration) -> (u32, Duration) {
        let runs = 4000;
        let all =
            (0..runs).map(|run| follow(pace, around.mul_f64(0.95 + f64::from(run) / f64::from(runs) * 0.05)));
        let (looks, delays): (Vec<_>, Vec<_>) = all.unzip();
        (looks.into_iter().max().expect("runs"), delays.iter().sum::<Duration>() / runs)
    }

    #[test]
    fn a_signing_and_an_approval_cost_few_requests() {
        let sign = Pace::new(Duration::from_secs(15), Duration::from_secs(300));
        let (looks, delay) = cost(sign, Duration::from_secs(40 * 60));
        eprintln!("40 minutes: {looks} looks, {delay:?} late");
        assert!(looks <= 45, "{looks} looks");
        assert!(delay <= Duration::from_secs(60), "{delay:?}");
        let publish = Pace::new(Duration::from_secs(60), Duration::from_secs(3600));
        let (looks, delay) = cost(publish, Duration::from_secs(3 * 86_400));
        eprintln!("three days: {looks} looks, {delay:?} late");
        assert!(looks <= 250, "{looks} looks");
        assert!(delay <= Duration::from_secs(30 * 60), "{delay:?}");
    }
}
