//! Durations as the configuration spells them: `250ms`, `5s`, `10m`, `1h`, `7d`.

use std::time::Duration;

/// Units with their length in milliseconds.
const UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// No wait of dropship is longer than a century.
const MAX: u64 = 100 * 366 * 86_400_000;

/// Reads a duration, also of several parts such as `1h30m`.
///
/// # Errors
/// When the text is not a duration. The error shows the form of a duration.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad =
        || format!("`{text}` is not a duration; write one such as \"250ms\", \"5s\", \"10m\" or \"7d\"");
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = rest[..letters].trim();
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        rest = &rest[letters..];
        total = number
            .checked_mul(*length)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= MAX)
            .ok_or_else(|| format!("`{text}` is longer than a century"))?;
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration in its largest units: `1h30m`.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (name, length) in UNITS.iter().rev().filter(|(name, _)| *name != "w") {
        if rest >= *length {
            out.push_str(&format!("{}{name}", rest / length));
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
            ("2w", 1_209_600_000),
        ] {
            let duration = parse(text).expect(text);
            assert_eq!(duration, Duration::from_millis(millis), "{text}");
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
        for text in ["", "5", "s", "-5s", "5 minutes", "1.5h", "5sm", "99999999999999999999d", "40000d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
