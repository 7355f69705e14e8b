//! Intervals between polls. They are bounded and keep no history.

use std::time::Duration;

use dropship_config::model::PollInterval;

/// Interval to the next poll after a wait of this length, from `first` to `max`.
///
/// It grows with the square root of the wait: an interval proportional to the wait polls too often at first and reacts
/// too late after an hour. With 15 s and 5 min, a wait of 40 minutes takes about 40 polls and is noticed a minute late
/// on average; with 1 min and 1 h, a wait of three days takes about 210 polls.
#[must_use]
fn sqrt_interval(interval: PollInterval, waited: Duration) -> Duration {
    let seconds = 0.62 * (interval.first.as_secs_f64() * waited.as_secs_f64()).sqrt();
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(interval.max)
        .clamp(interval.first.min(interval.max), interval.max)
}

/// Time to the next poll after a wait of this length.
#[must_use]
pub(super) fn next_poll(interval: PollInterval, waited: Duration) -> Duration {
    jitter(sqrt_interval(interval, waited), random_unit())
}

/// Spreads a span by 10 % so that polls of many jobs do not coincide. `unit` is a number from 0 to 1.
fn jitter(span: Duration, unit: f64) -> Duration {
    span.mul_f64(0.95 + unit / 10.0)
}

/// A random number from 0 to 1; 0.5 when the system provides no randomness.
fn random_unit() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: PollInterval =
        PollInterval { first: Duration::from_millis(500), max: Duration::from_secs(300) };

    #[test]
    fn poll_interval_grows_with_the_wait_up_to_max() {
        let near = |delay: Duration, expected: f64| (delay.as_secs_f64() / expected - 1.0).abs() < 0.06;
        assert!(near(next_poll(INTERVAL, Duration::ZERO), 0.5));
        assert!(near(next_poll(INTERVAL, Duration::from_secs(20_000)), 62.0));
        assert!(near(next_poll(INTERVAL, Duration::from_secs(1 << 20)), 300.0));
    }

    /// Polls something that takes this long: returns the number of polls and how late its end is noticed. The delays differ as
    /// random ones do, but are the same in each run of the test.
    fn follow(interval: PollInterval, takes: Duration) -> (u32, Duration) {
        let (mut now, mut polls) = (Duration::ZERO, 1);
        while now < takes {
            let unit = (f64::from(polls) * 0.618_034).fract();
            now += jitter(sqrt_interval(interval, now), unit);
            polls += 1;
        }
        (polls, now - takes)
    }

    /// The maximum number of polls and the mean delay, over ends at any point between two polls.
    fn cost(interval: PollInterval, around: Duration) -> (u32, Duration) {
        let runs = 4000;
        let all = (0..runs)
            .map(|run| follow(interval, around.mul_f64(0.95 + f64::from(run) / f64::from(runs) * 0.05)));
        let (polls, delays): (Vec<_>, Vec<_>) = all.unzip();
        (polls.into_iter().max().expect("runs"), delays.iter().sum::<Duration>() / runs)
    }

    #[test]
    fn wait_of_40_minutes_or_three_days_takes_few_polls() {
        let sign = PollInterval { first: Duration::from_secs(15), max: Duration::from_secs(300) };
        let (polls, delay) = cost(sign, Duration::from_secs(40 * 60));
        eprintln!("40 minutes: {polls} polls, {delay:?} late");
        assert!(polls <= 45, "{polls} polls");
        assert!(delay <= Duration::from_secs(60), "{delay:?}");
        let publish = PollInterval { first: Duration::from_secs(60), max: Duration::from_secs(3600) };
        let (polls, delay) = cost(publish, Duration::from_secs(3 * 86_400));
        eprintln!("three days: {polls} polls, {delay:?} late");
        assert!(polls <= 250, "{polls} polls");
        assert!(delay <= Duration::from_secs(30 * 60), "{delay:?}");
    }
}
