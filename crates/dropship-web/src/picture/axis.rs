//! The vertical axis of a chart: its unit and its ticks.

use std::time::Duration;

use super::duration::duration;

/// The unit of a chart's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartUnit {
    /// Seconds.
    Duration,
    /// A number of things.
    Count,
}

/// Values above are cut off: 31 years, or a number that no counter reaches.
const MAX_VALUE: f64 = 1e9;
/// About this many ticks.
const TARGET_TICKS: f64 = 4.0;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;

/// Steps between durations that a clock and a calendar have.
const STEPS: [f64; 19] = [
    0.1,
    0.5,
    1.0,
    5.0,
    10.0,
    30.0,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
];

impl ChartUnit {
    /// A value as text.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Duration => duration(Duration::try_from_secs_f64(bounded(value)).unwrap_or_default()),
            Self::Count => count(bounded(value)),
        }
    }

    /// The ticks from zero to a value that is not smaller than `max`.
    pub(super) fn ticks(self, max: f64) -> Vec<f64> {
        let max = bounded(max);
        let step = match self {
            Self::Duration => duration_step(max),
            Self::Count => decimal_step(max).max(1.0),
        };
        let number = (max / step - 1e-9).ceil().max(1.0) as u32;
        (0..=number).map(|index| f64::from(index) * step).collect()
    }
}

/// A value that can be drawn. A negative one is the work of a clock that went back.
pub(super) fn bounded(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, MAX_VALUE) }
}

fn duration_step(max: f64) -> f64 {
    let min_step = max / TARGET_TICKS;
    let step = STEPS.into_iter().find(|step| *step >= min_step);
    step.unwrap_or_else(|| decimal_step(max / DAY) * DAY)
}

/// The smallest of 1, 2 and 5 times a power of ten that gives few ticks.
fn decimal_step(max: f64) -> f64 {
    let min_step = max / TARGET_TICKS;
    if min_step <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(min_step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= min_step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// A number with a comma between thousands, and one decimal if it is not whole; ten millions and more in millions.
fn count(value: f64) -> String {
    if value >= 1e7 {
        return format!("{} M", count(value / 1e6));
    }
    let tenths = (value * 10.0).round() as u64;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let digits = whole.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if tenth > 0 {
        text.push_str(&format!(".{tenth}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_in_their_unit() {
        let text = |unit: ChartUnit, max| {
            unit.ticks(max).into_iter().map(|tick| unit.text(tick)).collect::<Vec<_>>()
        };
        assert_eq!(text(ChartUnit::Count, 0.0), ["0", "1"]);
        assert_eq!(text(ChartUnit::Count, 7.0), ["0", "2", "4", "6", "8"]);
        assert_eq!(text(ChartUnit::Count, 4_100.0), ["0", "2,000", "4,000", "6,000"]);
        assert_eq!(text(ChartUnit::Duration, 4.5 * HOUR), ["0 s", "2 h", "4 h", "6 h"]);
        assert_eq!(text(ChartUnit::Duration, 11.0 * DAY), ["0 s", "5 d", "10 d", "15 d"]);
        assert_eq!(text(ChartUnit::Duration, 90.0), ["0 s", "30 s", "1 min", "1 min 30 s"]);
    }

    #[test]
    fn ticks_of_any_value_are_few_and_reach_it() {
        for unit in [ChartUnit::Count, ChartUnit::Duration] {
            for max in [f64::NAN, f64::INFINITY, -5.0, 0.0, 1e-9, 0.3, 1.0, 59.0, 86_399.0, 1e9, f64::MAX] {
                let ticks = unit.ticks(max);
                assert!((2..=7).contains(&ticks.len()), "{unit:?} {max}: {ticks:?}");
                assert!(
                    ticks.last().is_some_and(|last| *last >= bounded(max) * 0.999_999),
                    "{unit:?} {max}: {ticks:?}"
                );
            }
        }
    }
}
