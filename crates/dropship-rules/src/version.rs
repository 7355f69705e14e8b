//! Versions of `DriverVer` and ranges over them.

use std::fmt;
use std::str::FromStr;

use crate::pattern::Pattern;

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
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *slot = part.parse().ok().filter(|_| digits).ok_or_else(bad)?;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast(Version),
    Above(Version),
    AtMost(Version),
    Below(Version),
    Equal(Version),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Glob(Pattern),
    Bounds(Vec<Bound>),
}

/// What versions are meant: `>=1.2, <2`, `1.2.*`, `1.2.3.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    source: String,
    shape: Shape,
}

impl VersionRange {
    /// Reads a range: comparisons separated by commas, or a version, or a glob.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let source = text.to_owned();
        if text.contains(['*', '?', '[', '{']) && !text.contains(['<', '>', '=']) {
            let shape = Shape::Glob(Pattern::new(text)?);
            return Ok(Self { source, shape });
        }
        let bounds = text.split(',').map(|part| bound(part.trim())).collect::<Result<Vec<_>, _>>()?;
        let range = Self { source, shape: Shape::Bounds(bounds) };
        if range.is_empty() {
            return Err(format!("no version fits `{text}`: its bounds exclude each other"));
        }
        Ok(range)
    }

    /// Whether a version, as an INF writes it, lies inside.
    #[must_use]
    pub fn contains(&self, version: &str) -> bool {
        match &self.shape {
            Shape::Glob(glob) => glob.is_match(version),
            Shape::Bounds(bounds) => version.parse().is_ok_and(|version| fits(bounds, version)),
        }
    }

    /// The range as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether bounds exclude each other, so far as their own edges tell.
    fn is_empty(&self) -> bool {
        let Shape::Bounds(bounds) = &self.shape else {
            return false;
        };
        let edges = bounds.iter().flat_map(|bound| {
            let (Bound::AtLeast(v) | Bound::Above(v) | Bound::AtMost(v) | Bound::Below(v) | Bound::Equal(v)) =
                bound;
            [*v, successor(*v), predecessor(*v)]
        });
        !edges.into_iter().any(|edge| fits(bounds, edge))
    }
}

fn fits(bounds: &[Bound], version: Version) -> bool {
    bounds.iter().all(|bound| match bound {
        Bound::AtLeast(edge) => version >= *edge,
        Bound::Above(edge) => version > *edge,
        Bound::AtMost(edge) => version <= *edge,
        Bound::Below(edge) => version < *edge,
        Bound::Equal(edge) => version == *edge,
    })
}

fn successor(version: Version) -> Version {
    let mut next = version;
    next.0[3] = next.0[3].saturating_add(1);
    next
}

fn predecessor(version: Version) -> Version {
    let mut before = version;
    for part in before.0.iter_mut().rev() {
        if *part > 0 {
            *part -= 1;
            return before;
        }
        *part = u32::MAX;
    }
    version
}

fn bound(text: &str) -> Result<Bound, String> {
    let (make, rest): (fn(Version) -> Bound, &str) = if let Some(rest) = text.strip_prefix(">=") {
        (Bound::AtLeast, rest)
    } else if let Some(rest) = text.strip_prefix("<=") {
        (Bound::AtMost, rest)
    } else if let Some(rest) = text.strip_prefix('>') {
        (Bound::Above, rest)
    } else if let Some(rest) = text.strip_prefix('<') {
        (Bound::Below, rest)
    } else {
        (Bound::Equal, text.strip_prefix('=').unwrap_or(text))
    };
    rest.trim().parse().map(make)
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
        for bad in ["", ">=", "1.2.3.4.5", "1..2", "v1", ">=1.2,", "-1", "+1"] {
            assert!(VersionRange::new(bad).is_err(), "{bad}");
        }
    }
}
