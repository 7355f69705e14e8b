//! Versions of `DriverVer` and ranges over them.

use std::fmt;
use std::str::FromStr;

use dropship_glob::{CharSet, Domain, Glob};

use crate::range::{RangeValue, ValueRange};

/// A set of versions, such as `>=1.2, <2`, `1.2.*` or `1.2.3.4`.
pub type VersionRange = ValueRange<Version>;

/// A driver version: four numbers, compared from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u32; 4]);

impl FromStr for Version {
    type Err = String;

    /// Reads one to four numbers; what is missing is 0, as Windows takes it.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a version; a version is one to four numbers such as 10.2.0.17");
        let mut parts = [0; 4];
        for (count, part) in text.trim().split('.').enumerate() {
            let slot = parts.get_mut(count).ok_or_else(bad)?;
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *slot = part.parse().ok().filter(|_| is_number).ok_or_else(bad)?;
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

impl RangeValue for Version {
    const NOUN: &'static str = "version";

    fn texts() -> Domain {
        let shapes = Glob::new("*?.*?.*?.*?").into_iter().collect();
        Domain::of(CharSet::these("0123456789.")).with_shapes(shapes)
    }

    fn next(self) -> Self {
        let mut next = self;
        next.0[3] = next.0[3].saturating_add(1);
        next
    }

    fn previous(self) -> Self {
        let mut previous = self;
        for part in previous.0.iter_mut().rev() {
            if *part > 0 {
                *part -= 1;
                return previous;
            }
            *part = u32::MAX;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_compare_numbers_not_letters() {
        let range = VersionRange::new(">=1.2, <2").expect("range");
        for inside in ["1.2", "1.2.0.0", "1.10.0.1", "1.999"] {
            assert!(range.contains(inside), "{inside}");
        }
        for outside in ["1.1.9.9", "2.0.0.0", "10.0", "", "x"] {
            assert!(!range.contains(outside), "{outside}");
        }
        assert!(VersionRange::new("1.2.*").expect("glob").contains("1.2.3.4"));
        assert!(VersionRange::new("1.2").expect("exact").contains("1.2.0.0"));
        assert!(VersionRange::new("=1.2.0.0").expect("exact").contains("1.2"));
    }

    #[test]
    fn impossible_and_broken_ranges_are_refused() {
        assert_eq!(
            VersionRange::new(">=2, <1").expect_err("empty"),
            "no version fits `>=2, <1`: its bounds exclude each other"
        );
        assert!(VersionRange::new(">1, <1.0.0.1").is_err());
        assert!(VersionRange::new(">1, <1.0.0.2").is_ok());
        for bad in ["", ">=", "1.2.3.4.5", "1..2", "v1", ">=1.2,", "-1", "+1", "1.2.x.*", "1.*-beta"] {
            assert!(VersionRange::new(bad).is_err(), "{bad}");
        }
    }
}
