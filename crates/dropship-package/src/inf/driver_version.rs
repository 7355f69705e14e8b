//! `DriverVer = mm/dd/yyyy,w.x.y.z` (inf-driverver-directive.md).

use jiff::civil::Date;

/// Numbers of a version.
const PARTS: usize = 4;

/// The well-formed parts of a `DriverVer`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DriverVersion {
    /// The date, if it is valid.
    pub(crate) date: Option<Date>,
    /// The version, if it has one to four numbers up to 65535. Windows reads missing numbers as zeros.
    pub(crate) version: Option<[u16; PARTS]>,
    /// Number of numbers written; 0 if the version is not well formed.
    pub(crate) written: usize,
}

impl DriverVersion {
    /// Reads the directive's value: date and version, separated by a comma.
    pub(super) fn read(text: &str) -> Self {
        let (date, version) = text.split_once(',').unwrap_or((text, ""));
        let (version, written) =
            version_of(version).map_or((None, 0), |(version, count)| (Some(version), count));
        Self { date: date_of(date), version, written }
    }

    /// True if the version has fewer than four numbers.
    pub(crate) fn is_short(&self) -> bool {
        self.version.is_some() && self.written < PARTS
    }

    /// The version with all four numbers, such as `2.6.0.0`.
    pub(crate) fn padded(&self) -> Option<String> {
        self.version.map(|numbers| numbers.map(|number| number.to_string()).join("."))
    }
}

/// A date as mm/dd/yyyy or mm-dd-yyyy.
fn date_of(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.trim().split(['/', '-']).collect();
    let [month, day, year] = parts.try_into().ok()?;
    if year.len() != 4 || ![month, day, year].into_iter().all(is_number) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// One to four numbers, padded with zeros, and how many there are.
fn version_of(text: &str) -> Option<([u16; PARTS], usize)> {
    let mut numbers = [0; PARTS];
    let mut count = 0;
    for part in text.trim().split('.').map(str::trim) {
        *numbers.get_mut(count)? = part.parse().ok().filter(|_| is_number(part))?;
        count += 1;
    }
    Some((numbers, count))
}

/// Digits alone: `parse` also accepts a sign.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<String> {
        DriverVersion::read(&format!("06/21/2025,{text}")).padded()
    }

    #[test]
    fn version_with_one_to_three_numbers_is_padded_with_zeros() {
        for (written, padded) in [
            ("2.06.00", "2.6.0.0"),
            ("2.6", "2.6.0.0"),
            ("7", "7.0.0.0"),
            (" 1 . 2 .3", "1.2.3.0"),
            ("10.0.19041.65535", "10.0.19041.65535"),
        ] {
            assert_eq!(version(written).as_deref(), Some(padded), "{written}");
            let is_short = written.split('.').count() < 4;
            assert_eq!(
                DriverVersion::read(&format!("06/21/2025,{written}")).is_short(),
                is_short,
                "{written}"
            );
        }
    }

    #[test]
    fn malformed_version_is_not_a_fact() {
        for text in
            ["", "1.2.3.4.5", "1.2.3.65536", "65536", "1..3", "1.2.", "1.2.3.+4", "1.2.x", "v1", "1,2"]
        {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn date_is_month_day_and_year_of_four_digits() {
        let date = |text: &str| DriverVersion::read(text).date.map(|date| date.to_string());
        assert_eq!(date("6/1/2025").as_deref(), Some("2025-06-01"));
        assert_eq!(date("06-21-2025,1.2.3.4").as_deref(), Some("2025-06-21"));
        for text in ["21/06/2025", "06/21/25", "06/31/2025", "06/21", "06/21/2025/1", "+6/21/2025", ""] {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
