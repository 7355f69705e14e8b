//! Ranges over facts that have an order: comparisons separated by commas, one value, or a glob.

use std::fmt::Display;
use std::str::FromStr;

use dropship_glob::{Domain, Glob};

/// A fact that ranges compare.
pub trait RangeValue: Copy + Ord + Display + FromStr<Err = String> {
    /// The name of one value in messages.
    const NOUN: &'static str;
    /// The texts that values are written as.
    fn texts() -> Domain;
    /// The next higher value.
    #[must_use]
    fn next(self) -> Self;
    /// The next lower value.
    #[must_use]
    fn previous(self) -> Self;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound<T> {
    AtLeast(T),
    Above(T),
    AtMost(T),
    Below(T),
    Equal(T),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape<T> {
    Glob(Glob),
    Bounds(Vec<Bound<T>>),
}

/// A set of values, such as `>=1.2, <2`, `1.2.*` or `1.2.3.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRange<T> {
    source: String,
    shape: Shape<T>,
}

impl<T: RangeValue> ValueRange<T> {
    /// Reads a range.
    ///
    /// # Errors
    /// When it has no meaning, and when no value is in it.
    pub fn new(text: &str) -> Result<Self, String> {
        let source = text.to_owned();
        if text.contains(['*', '?', '[', '{']) && !text.contains(['<', '>', '=']) {
            let glob = Glob::new(text).map_err(|error| error.to_string())?;
            return match T::texts().meets(&glob) {
                true => Ok(Self { source, shape: Shape::Glob(glob) }),
                false => Err(format!("`{text}` never matches a {}", T::NOUN)),
            };
        }
        let bounds = text.split(',').map(|part| bound(part.trim())).collect::<Result<Vec<_>, _>>()?;
        if !edges(&bounds).any(|edge| fits(&bounds, edge)) {
            return Err(format!("no {} fits `{text}`: its bounds exclude each other", T::NOUN));
        }
        Ok(Self { source, shape: Shape::Bounds(bounds) })
    }

    /// Whether a value, as an INF writes it, is in the range.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        let value = text.parse::<T>();
        match &self.shape {
            Shape::Glob(glob) => {
                glob.is_match(text) || value.is_ok_and(|value| glob.is_match(&value.to_string()))
            }
            Shape::Bounds(bounds) => value.is_ok_and(|value| fits(bounds, value)),
        }
    }

    /// The range as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

/// The values at and beside each bound. If any value is in the range, one of these is.
fn edges<T: RangeValue>(bounds: &[Bound<T>]) -> impl Iterator<Item = T> {
    bounds.iter().flat_map(|bound| {
        let (Bound::AtLeast(v) | Bound::Above(v) | Bound::AtMost(v) | Bound::Below(v) | Bound::Equal(v)) =
            *bound;
        [v, v.next(), v.previous()]
    })
}

fn fits<T: Copy + Ord>(bounds: &[Bound<T>], value: T) -> bool {
    bounds.iter().all(|bound| match bound {
        Bound::AtLeast(edge) => value >= *edge,
        Bound::Above(edge) => value > *edge,
        Bound::AtMost(edge) => value <= *edge,
        Bound::Below(edge) => value < *edge,
        Bound::Equal(edge) => value == *edge,
    })
}

fn bound<T: RangeValue>(text: &str) -> Result<Bound<T>, String> {
    let (make, rest): (fn(T) -> Bound<T>, &str) = if let Some(rest) = text.strip_prefix(">=") {
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
