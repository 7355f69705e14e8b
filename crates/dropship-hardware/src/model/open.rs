//! Open enums: the values that the documentation names, and any other value that the service sends.

use std::collections::HashSet;
use std::fmt;

use parking_lot::Mutex;
use serde::de::{self, Deserializer, Visitor};

/// Declares an enum of wire texts. Reading ignores case and surrounding blanks; an unknown value becomes `Other` and is
/// logged once. Writing uses the spelling given here.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal, )+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vdoc])* $variant, )+
            /// A value that the documentation does not name: as it came, but masked and short.
            Other(String),
        }

        impl $name {
            /// Every documented value, in the documentation's order.
            pub const ALL: &'static [$name] = &[$( $name::$variant, )+];

            /// The wire text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                let text = text.trim();
                $( if text.eq_ignore_ascii_case($text) { return Self::$variant; } )+
                Self::Other(text.to_owned())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = $crate::model::open::text(deserializer)?;
                let mut value = Self::from(text.as_str());
                if let Self::Other(text) = &mut value {
                    *text = $crate::model::open::unknown(text);
                    $crate::model::open::note_unknown(stringify!($name), text);
                }
                Ok(value)
            }
        }
    };
}
pub(super) use open_enum;

/// Reads a text, or a number or boolean as its text: `currentStep` has been seen as a number. The secrets of this process are
/// masked: many of these texts are stored, and a proxy can echo the request in any of them.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    raw_text(deserializer).map(|text| dropship_redact::mask_live(&text))
}

/// The same as it came: for a URL that is used, which may hold a signature.
pub(super) fn raw_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;

    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a number")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
            Ok(text)
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_bool<E: de::Error>(self, value: bool) -> Result<String, E> {
            Ok(value.to_string())
        }
    }

    deserializer.deserialize_any(Text)
}

/// Maximum length of a value that the documentation does not name, in characters.
const MAX_UNKNOWN: usize = 200;

/// A value that the documentation does not name, as it is stored and shown: masked and short.
pub(super) fn unknown(text: &str) -> String {
    let text = dropship_redact::mask(text);
    match text.char_indices().nth(MAX_UNKNOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Maximum number of texts that are remembered as logged, so that memory stays bounded.
const MAX_REMEMBERED: usize = 512;

/// Whether a text of a kind is met for the first time; false also when too many texts are remembered.
pub(crate) fn is_new(kind: &'static str, text: &str) -> bool {
    // One set for the process: values are read by `serde`, which has no place for a set of each client.
    static SEEN: Mutex<Option<HashSet<(&'static str, String)>>> = Mutex::new(None);
    let mut seen = SEEN.lock();
    let seen = seen.get_or_insert_default();
    seen.len() < MAX_REMEMBERED && seen.insert((kind, text.to_owned()))
}

/// Logs a value that the documentation does not name, once for each kind and value.
pub(super) fn note_unknown(kind: &'static str, value: &str) {
    if is_new(kind, value) {
        let value = dropship_redact::mask(value);
        tracing::info!(
            kind,
            value,
            "the service sent {kind} `{value}`, which its documentation does not name"
        );
    }
}
