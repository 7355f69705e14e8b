//! Values of the configuration that know where they stand and what they may be.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::tables::AsTable;
use crate::model::AfterSuccess;
use dropship_glob::Glob;
use dropship_intake::ReadyWhen;
use dropship_rules::duration;
use dropship_rules::range::{RangeValue, ValueRange};
use dropship_rules::schedule::{Days, GoLive, Moment};
use dropship_rules::template::Template;

/// A list of texts, or one.
pub(crate) type Texts = OneOrMany<String>;
/// A list of globs, or one.
pub(crate) type Globs = OneOrMany<Text<Glob>>;
/// A duration.
pub(crate) type Delay = At<Text<Duration>>;

/// A value and the bytes of its file that it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<AsTable<T>>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), value: spanned.into_inner().0 })
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<At<T>>);

enum ValueOrList<T> {
    One(T),
    Many(Vec<At<T>>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<ValueOrList<T>>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self(match spanned.into_inner() {
            ValueOrList::One(value) => vec![At { value, span }],
            ValueOrList::Many(values) => values,
        }))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ValueOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueOrListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ValueOrListVisitor<T> {
            type Value = ValueOrList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ValueOrList<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(ValueOrList::One)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ValueOrList<T>, E> {
                T::deserialize(de::value::I64Deserializer::new(number)).map(ValueOrList::One)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ValueOrList<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(ValueOrList::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ValueOrList<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(ValueOrList::Many(values))
            }
        }

        deserializer.deserialize_any(ValueOrListVisitor(PhantomData))
    }
}

/// A value that is read from a text.
pub(crate) trait FromText: Sized {
    /// Reads it, or says in a sentence what is wrong.
    fn from_text(text: &str) -> Result<Self, String>;
    /// Its description in the schema.
    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string" })
    }
}

/// Wraps what is read from a text, so that serde can.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text<T>(pub(crate) T);

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<T>(PhantomData<T>);

        impl<T: FromText> Visitor<'_> for TextVisitor<T> {
            type Value = Text<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<T>, E> {
                T::from_text(text).map(Text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

impl FromText for Duration {
    fn from_text(text: &str) -> Result<Self, String> {
        duration::parse(text)
    }

    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^\\s*([0-9]+(ms|s|m|h|d|w))+\\s*$", "examples": ["5s", "10m", "7d"] })
    }
}

impl FromText for Glob {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.to_string())
    }

    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string", "minLength": 1 })
    }
}

impl<T: RangeValue> FromText for ValueRange<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::new(text)
    }
}

impl FromText for Template {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::new(text)
    }
}

impl FromText for Days {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl FromText for url::Url {
    fn from_text(text: &str) -> Result<Self, String> {
        let url = Self::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{text}` is not a web address; it starts with `https://`"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(format!("`{text}` names no host"));
        }
        Ok(url)
    }

    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string", "format": "uri" })
    }
}

impl FromText for AfterSuccess {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "leave" => Ok(Self::Leave),
            "delete" => Ok(Self::Delete),
            _ => match text.strip_prefix("move:").map(|path| path.trim_matches(' ')) {
                Some(path) if !path.is_empty() => Ok(Self::Move(PathBuf::from(path))),
                _ => Err(format!(
                    "`{text}` is nothing that can be done with a file; write \"leave\", \"delete\" or \"move:/a/folder\""
                )),
            },
        }
    }

    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^(leave|delete|move:.+)$" })
    }
}

impl FromText for ReadyWhen {
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }

    #[cfg(test)]
    fn describe() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^(whole|settled|marker:.+|sidecar:.+)$" })
    }
}

/// A date: TOML's own, or a text.
macro_rules! date_value {
    ($name:ident, $inner:ty, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct DateVisitor;

                impl<'de> Visitor<'de> for DateVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a date or a string")
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        <$inner>::parse(text).map($name).map_err(E::custom)
                    }

                    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        let date = toml::value::Datetime::deserialize(
                            de::value::MapAccessDeserializer::new(map),
                        )?;
                        self.visit_str(&date.to_string())
                    }
                }

                deserializer.deserialize_any(DateVisitor)
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $doc })
            }
        }
    };
}

date_value!(LiveDate, GoLive, "a date, an offset such as `+7d`, or `next_working_day`");
date_value!(MomentDate, Moment, "a date, or an offset such as `+30d`");

#[cfg(test)]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{At, FromText, OneOrMany, Text};

    impl<T: JsonSchema> JsonSchema for At<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            T::schema_name()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            generator.subschema_for::<T>()
        }
    }

    impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("OneOrMany_{}", T::schema_name()).into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let one = generator.subschema_for::<T>();
            json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
    }

    impl<T: FromText> JsonSchema for Text<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "Text".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            match T::describe() {
                serde_json::Value::Object(map) => Schema::from(map),
                _ => Schema::default(),
            }
        }
    }
}
