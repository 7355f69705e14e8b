//! Ids of objects at the service.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A text is not an id of an object at the service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an object at the service; ids are whole numbers such as 14631253285588838")]
pub struct BadRemoteId(String);

/// The id of an object at the service. Ids are unique over all kinds of objects.
///
/// Ids exceed 2^53, so JSON stores them as strings. A number is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteId(u64);

impl RemoteId {
    /// The id with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Ids as a list in a sentence: `1, 2, 3`.
    #[must_use]
    pub fn list(ids: &[Self]) -> String {
        ids.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RemoteId {
    type Err = BadRemoteId;

    fn from_str(text: &str) -> Result<Self, BadRemoteId> {
        let bad = || BadRemoteId(text.chars().take(40).collect());
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().map(Self).map_err(|_| bad())
    }
}

impl Serialize for RemoteId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RemoteId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RemoteIdVisitor;

        impl Visitor<'_> for RemoteIdVisitor {
            type Value = RemoteId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a string of digits, or a whole number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RemoteId, E> {
                Ok(RemoteId(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RemoteId, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(RemoteIdVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_beyond_2_to_the_53_survives_json_as_a_string() {
        let id = RemoteId::new(u64::MAX);
        let json = serde_json::to_string(&id).expect("an id is JSON");
        assert_eq!(json, "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<RemoteId>(&json).expect("an id"), id);
        assert_eq!(serde_json::from_str::<RemoteId>("18446744073709551615").expect("an id"), id);
    }

    #[test]
    fn text_that_is_no_id_is_refused_with_its_text() {
        for text in ["", "+1", "-1", "1.5", " 1", "0x10", "18446744073709551616"] {
            let error = text.parse::<RemoteId>().expect_err("not an id");
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
        for json in ["-1", "1.5", "null", "[1]", "true"] {
            serde_json::from_str::<RemoteId>(json).expect_err("not an id");
        }
    }
}
