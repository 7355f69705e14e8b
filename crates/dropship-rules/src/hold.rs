//! The approvals that a rule asks for before a label is requested.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of different operators who have to approve the request for a label. Written as `false`, `true` or a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hold(u8);

impl Hold {
    /// No approval: the label is requested at once.
    pub const NONE: Self = Self(0);
    /// The approval of one operator.
    pub const ONE: Self = Self(1);
    /// Maximum number of operators.
    pub const MAX: u8 = 9;

    /// The approval of this many operators, from 1 to [`Hold::MAX`].
    #[must_use]
    pub fn of(operators: u64) -> Option<Self> {
        u8::try_from(operators).ok().filter(|count| (1..=Self::MAX).contains(count)).map(Self)
    }

    /// Whether an operator has to approve the request.
    #[must_use]
    pub fn is_required(self) -> bool {
        self.0 > 0
    }

    /// Number of operators.
    #[must_use]
    pub fn operators(self) -> u8 {
        self.0
    }
}

impl From<bool> for Hold {
    fn from(holds: bool) -> Self {
        if holds { Self::ONE } else { Self::NONE }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("false"),
            1 => f.write_str("true"),
            more => more.fmt(f),
        }
    }
}

impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 | 1 => serializer.serialize_bool(self.is_required()),
            more => serializer.serialize_u8(more),
        }
    }
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HoldVisitor;

        impl Visitor<'_> for HoldVisitor {
            type Value = Hold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "true, false, or the number of operators who have to approve, from 1 to {}",
                    Hold::MAX
                )
            }

            fn visit_bool<E: de::Error>(self, holds: bool) -> Result<Hold, E> {
                Ok(holds.into())
            }

            fn visit_u64<E: de::Error>(self, operators: u64) -> Result<Hold, E> {
                Hold::of(operators)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(operators), &self))
            }

            fn visit_i64<E: de::Error>(self, operators: i64) -> Result<Hold, E> {
                let hold = u64::try_from(operators).ok().and_then(Hold::of);
                hold.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(operators), &self))
            }
        }

        deserializer.deserialize_any(HoldVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_round_trips_through_json() {
        for (json, hold) in [("false", Hold::NONE), ("true", Hold::ONE), ("2", Hold(2)), ("9", Hold(9))] {
            assert_eq!(serde_json::from_str::<Hold>(json).expect(json), hold);
            assert_eq!(serde_json::to_string(&hold).expect("JSON"), json);
            assert_eq!(hold.to_string(), json);
        }
        assert_eq!(serde_json::from_str::<Hold>("1").expect("one operator"), Hold::ONE);
        for bad in ["0", "10", "-1", "2.5", "\"2\"", "null"] {
            let error = serde_json::from_str::<Hold>(bad).expect_err(bad);
            assert!(error.to_string().contains("from 1 to 9"), "{error}");
        }
    }
}
