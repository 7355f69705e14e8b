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
enum RangeBound<T> {
    AtLeast(T),
    Above(T),
    AtMost(T),
    Below(T),
    Equal(T),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RangeCondition<T> {
    Glob(Glob),
    Bounds(Vec<RangeBound<T>>),
}

/// A set of values, such as `>=1.2, <2`, `1.2.*` or `1.2.3.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRange<T> {
    source: String,
    shape: RangeCondition<T>,
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
                true => Ok(Self { source, shape: RangeCondition::Glob(glob) }),
                false => Err(format!("`{text}` never matches a {}", T::NOUN)),
            };
        }
        let bounds = text.split(',').map(|part| bound(part.trim())).collect::<Result<Vec<_>, _>>()?;
        if !edges(&bounds).any(|edge| is_within(&bounds, edge)) {
            return Err(format!("no {} fits `{text}`: its bounds exclude each other", T::NOUN));
        }
        Ok(Self { source, shape: RangeCondition::Bounds(bounds) })
    }

    /// Whether a value, as an INF writes it, is in the range.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        let value = text.parse::<T>();
        match &self.shape {
            RangeCondition::Glob(glob) => {
                glob.is_match(text) || value.is_ok_and(|value| glob.is_match(&value.to_string()))
            }
            RangeCondition::Bounds(bounds) => value.is_ok_and(|value| is_within(bounds, value)),
        }
    }

    /// The range as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

/// The values at and beside each bound. If any value is in the range, one of these is.
fn edges<T: RangeValue>(bounds: &[RangeBound<T>]) -> impl Iterator<Item = T> {
    bounds.iter().flat_map(|bound| {
        let (RangeBound::AtLeast(v)
        | RangeBound::Above(v)
        | RangeBound::AtMost(v)
        | RangeBound::Below(v)
        | RangeBound::Equal(v)) = *bound;
        [v, v.next(), v.previous()]
    })
}

fn is_within<T: Copy + Ord>(bounds: &[RangeBound<T>], value: T) -> bool {
    bounds.iter().all(|bound| match bound {
        RangeBound::AtLeast(edge) => value >= *edge,
        RangeBound::Above(edge) => value > *edge,
        RangeBound::AtMost(edge) => value <= *edge,
        RangeBound::Below(edge) => value < *edge,
        RangeBound::Equal(edge) => value == *edge,
    })
}

fn bound<T: RangeValue>(text: &str) -> Result<RangeBound<T>, String> {
    let (make, rest): (fn(T) -> RangeBound<T>, &str) = if let Some(rest) = text.strip_prefix(">=") {
        (RangeBound::AtLeast, rest)
    } else if let Some(rest) = text.strip_prefix("<=") {
        (RangeBound::AtMost, rest)
    } else if let Some(rest) = text.strip_prefix('>') {
        (RangeBound::Above, rest)
    } else if let Some(rest) = text.strip_prefix('<') {
        (RangeBound::Below, rest)
    } else {
        (RangeBound::Equal, text.strip_prefix('=').unwrap_or(text))
    };
    rest.trim().parse().map(make)
}
