//! Dates of `DriverVer`.

use std::fmt;
use std::str::FromStr;

use dropship_glob::{CharSet, Domain, Glob};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::range::{RangeValue, ValueRange};

/// A set of dates, such as `>=2026-01-01, <2026-07-01`, `2026-03-*` or `2026-03-31`.
pub type DateRange = ValueRange<DriverDate>;

/// The date of a driver, written as `yyyy-mm-dd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverDate(Date);

impl FromStr for DriverDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a date; write it as yyyy-mm-dd, such as 2026-01-31");
        let text = text.trim();
        let is_iso = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        text.parse().ok().filter(|_| is_iso).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for DriverDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RangeValue for DriverDate {
    const NOUN: &'static str = "date";

    fn texts() -> Domain {
        let shapes = Glob::new("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]").into_iter().collect();
        Domain::of(CharSet::these("0123456789-")).with_shapes(shapes)
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1.day()))
    }

    fn previous(self) -> Self {
        Self(self.0.saturating_sub(1.day()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_range_compares_dates() {
        let range = DateRange::new(">=2026-01-01, <2026-07-01").expect("a range");
        for inside in ["2026-01-01", "2026-06-30", "2026-02-28"] {
            assert!(range.contains(inside), "{inside}");
        }
        for outside in ["2025-12-31", "2026-07-01", "", "x", "2026-02-30"] {
            assert!(!range.contains(outside), "{outside}");
        }
        assert!(DateRange::new("2026-0[1-6]-*").expect("a glob").contains("2026-03-31"));
        assert!(DateRange::new("2026-03-31").expect("a date").contains("2026-03-31"));
    }

    #[test]
    fn date_range_that_contains_no_date_is_refused() {
        for (text, why) in [
            (">2026-01-01, <2026-01-02", "no date fits"),
            ("01/31/2026", "write it as yyyy-mm-dd"),
            (">=2026", "write it as yyyy-mm-dd"),
            ("2026-02-30", "write it as yyyy-mm-dd"),
            ("2026/*", "never matches a date"),
            ("2026-1-*", "never matches a date"),
            ("", "write it as yyyy-mm-dd"),
        ] {
            let error = DateRange::new(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
