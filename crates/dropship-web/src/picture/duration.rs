//! Durations as people read them.

use std::time::Duration;

/// The units, each with its length in seconds.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// A duration in at most two units: `3 d 4 h`, `12 min`, `0.4 s`.
#[must_use]
pub fn duration(time: Duration) -> String {
    if time.is_zero() {
        return "0 s".to_owned();
    }
    if time < Duration::from_secs(10) {
        let tenths = (time.as_millis() + 50) / 100;
        return match (tenths / 10, tenths % 10) {
            (0, 0) => "< 0.1 s".to_owned(),
            (seconds, 0) => format!("{seconds} s"),
            (seconds, part) => format!("{seconds}.{part} s"),
        };
    }
    let seconds = time.as_secs();
    let mut units = UNITS.into_iter().skip_while(|(length, _)| seconds < *length);
    let Some((length, unit)) = units.next() else { return "0 s".to_owned() };
    let (count, rest) = (seconds / length, seconds % length);
    match units.next().map(|(length, unit)| (rest / length, unit)) {
        // The second unit says little beside ten or more of the first.
        Some((second_count, smaller)) if second_count > 0 && count < 10 => {
            format!("{count} {unit} {second_count} {smaller}")
        }
        _ => format!("{count} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let text = |millis| duration(Duration::from_millis(millis));
        assert_eq!(text(0), "0 s");
        assert_eq!(text(3), "< 0.1 s");
        assert_eq!(text(420), "0.4 s");
        assert_eq!(text(9_960), "10 s");
        assert_eq!(text(61_000), "1 min 1 s");
        assert_eq!(text(12 * 60_000 + 5_000), "12 min");
        assert_eq!(text(3_600_000), "1 h");
        assert_eq!(text(3 * 86_400_000 + 4 * 3_600_000), "3 d 4 h");
        assert_eq!(duration(Duration::MAX), "213503982334601 d");
    }
}
