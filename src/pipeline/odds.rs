//! When something that is waited for is likely to end, after what ended before, and when to look at it then.

use std::f64::consts::{PI, SQRT_2};
use std::time::Duration;

use super::pace::rooted;
use crate::config::model::Pace;

/// With fewer ends nothing is foreseen.
pub(super) const ENOUGH: usize = 8;
/// How much the model is mistrusted: the weight of one that is twice as wide.
const DOUBT: f64 = 0.1;
/// What is later than all but so many is beyond the model.
const BEYOND: f64 = 0.01;
/// Steps in which the time to the next look is summed up.
const STEPS: u32 = 64;

/// Times that something took, as a lognormal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Odds {
    middle: f64,
    spread: f64,
}

impl Odds {
    /// After times in seconds; none when they are too few. The odd one out does not move it: it goes by ranks.
    pub(super) fn of(times: &[f64]) -> Option<Self> {
        let mut logs: Vec<f64> = times.iter().map(|time| time.max(1.0).ln()).collect();
        if logs.len() < ENOUGH {
            return None;
        }
        logs.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (logs.len() - 1) as f64;
            let (below, above) = (logs.get(place.floor() as usize), logs.get(place.ceil() as usize));
            below.zip(above).map_or(0.0, |(below, above)| below + (above - below) * place.fract())
        };
        // Of a normal distribution 68 % lie within the spread.
        let spread = ((at(0.84) - at(0.16)) / 2.0).clamp(0.15, 1.5);
        Some(Self { middle: at(0.5), spread })
    }

    /// The time to the next look at what has been waited for so long. `worth` is the delay in seconds that one look
    /// is worth: the looks lie so close that their number and the delay together cost least.
    pub(super) fn next_look(&self, pace: Pace, worth: f64, waited: Duration) -> Duration {
        let first = pace.first.min(pace.max);
        let far = pace.far;
        let step = far.as_secs_f64() / f64::from(STEPS);
        let (mut looks, mut time) = (0.0, waited.as_secs_f64());
        let mut passed = 0.0;
        for _ in 0..STEPS {
            let rate = self.rate(pace, worth, time + step / 2.0);
            if looks + rate * step >= 1.0 {
                passed += (1.0 - looks) / rate;
                break;
            }
            looks += rate * step;
            time += step;
            passed += step;
        }
        Duration::try_from_secs_f64(passed).unwrap_or(far).clamp(first, far.max(first))
    }

    /// Looks a second at a time: the root of half the odds of an end just then, by the worth of a look.
    fn rate(&self, pace: Pace, worth: f64, time: f64) -> f64 {
        let (mut ends, mut left) = (0.0, 0.0);
        for (weight, spread) in [(1.0 - DOUBT, self.spread), (DOUBT, 2.0 * self.spread)] {
            let off = (time.max(1e-3).ln() - self.middle) / spread;
            ends += weight * (-off * off / 2.0).exp() / ((2.0 * PI).sqrt() * spread * time.max(1e-3));
            left += weight * tail(off);
        }
        if left < BEYOND {
            // It takes longer than ever: nothing is foreseen any more.
            let waited = Duration::try_from_secs_f64(time).unwrap_or_default();
            return 1.0 / rooted(pace, waited).as_secs_f64().max(1e-3);
        }
        (ends / left / (2.0 * worth)).sqrt()
    }
}

/// The share of a normal distribution beyond a point; error below 2e-7 (Abramowitz and Stegun 7.1.26).
fn tail(off: f64) -> f64 {
    let x = off.abs() / SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let beyond = series.iter().fold(0.0, |sum, factor| (sum + factor) * t) * (-x * x).exp() / 2.0;
    if off < 0.0 { 1.0 - beyond } else { beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_normal_distribution_is_what_tables_say() {
        for (off, wanted) in [(0.0, 0.5), (1.0, 0.158_655), (2.0, 0.022_75), (-1.5, 0.933_193)] {
            assert!((tail(off) - wanted).abs() < 1e-5, "{off}: {}", tail(off));
        }
    }

    #[test]
    fn few_ends_foresee_nothing_and_one_odd_one_moves_little() {
        assert_eq!(Odds::of(&[2400.0; ENOUGH - 1]), None);
        let times: Vec<f64> = (0..20).map(|place| 2000.0 + 40.0 * f64::from(place)).collect();
        let odds = Odds::of(&times).expect("odds");
        let odd = Odds::of(&[times, vec![7.0]].concat()).expect("odds");
        assert!(
            (odds.middle - odd.middle).abs() < 0.03 && (odds.spread - odd.spread).abs() < 0.05,
            "{odds:?} {odd:?}"
        );
    }

    #[test]
    fn looks_lie_close_where_an_end_is_likely_and_never_stop() {
        let pace = Pace {
            far: Duration::from_secs(1200),
            ..Pace::new(Duration::from_secs(15), Duration::from_secs(300))
        };
        let odds = Odds { middle: 2400_f64.ln(), spread: 0.2 };
        let next = |waited| odds.next_look(pace, 5.0, Duration::from_secs(waited)).as_secs();
        assert!(next(0) > 600 && next(0) <= 1200, "{}", next(0));
        assert!(next(2400) < 150, "{}", next(2400));
        for waited in [0, 60, 2400, 7200, 86_400, 8_640_000] {
            assert!((15..=1200).contains(&next(waited)), "{waited}: {}", next(waited));
        }
    }
}
