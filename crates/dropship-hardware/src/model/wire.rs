//! Helpers that read forms which the service sends but does not document.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use dropship_redact::{SafeUrl, mask, mask_live};

use super::{ids, open};

/// `null` is the default, as an absent field is.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A value of the wrong type counts as absent: for fields that nothing is decided by.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(T::default());
    }
    Ok(serde_json::from_value(value).unwrap_or_else(|error| {
        open::note_unknown(std::any::type_name::<T>(), &error.to_string());
        T::default()
    }))
}

/// A text; a number or boolean is read as its text, `null` as absent.
pub(super) fn opt_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "open::text")] String);

    Option::<Text>::deserialize(deserializer).map(|text| text.map(|Text(text)| text))
}

/// The same for a text that nothing is decided by: a list or an object counts as absent.
pub(super) fn detail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(opt_text(value).unwrap_or_else(|error| {
        note::<Option<String>>(error);
        None
    }))
}

/// A text that may be missing; `null` is the empty text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    opt_text(deserializer).map(Option::unwrap_or_default)
}

/// The same as it came: for a URL that is used, which may hold a signature.
pub(super) fn raw_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "open::raw_text")] String);

    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text).unwrap_or_default())
}

/// A list of texts: `null` is empty, one bare text is a list of one, an object is its JSON.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let plain = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(mask_live(&text)),
        other => Some(mask_live(&other.to_string())),
    };
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items.into_iter().filter_map(plain).collect(),
        Value::String(text) if text.is_empty() => Vec::new(),
        other => plain(other).into_iter().collect(),
    })
}

/// A boolean that may be a text or a number, and may be absent.
pub(super) fn opt_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let unreadable = |value: &Value| serde::de::Error::custom(format!("`{value}` is neither true nor false"));
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text)
            if ["true", "yes", "1"].iter().any(|yes| text.trim().eq_ignore_ascii_case(yes)) =>
        {
            Ok(Some(true))
        }
        Value::String(text) if ["false", "no", "0"].iter().any(|no| text.trim().eq_ignore_ascii_case(no)) => {
            Ok(Some(false))
        }
        Value::Number(number) if number.as_u64() == Some(0) => Ok(Some(false)),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(Some(true)),
        other => Err(unreadable(&other)),
    }
}

/// A whole number that may be a text, and may be absent; written as a number.
pub(super) fn opt_number<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| whole_number(number.as_f64()?)),
        _ => None,
    };
    let number = number.and_then(|number: u64| T::try_from(number).ok());
    let unreadable =
        || serde::de::Error::custom(format!("`{}` is not a number in its range", mask(&value.to_string())));
    number.map(Some).ok_or_else(unreadable)
}

/// The whole number that a floating-point number such as 17135.0 is.
fn whole_number(number: f64) -> Option<u64> {
    (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// A map of texts: `null` and an empty list are empty, a value of another type is its text.
pub(super) fn text_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let plain = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(BTreeMap::new()),
        Value::Array(items) if items.is_empty() => Ok(BTreeMap::new()),
        Value::Object(fields) => Ok(fields.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        _ => Err(serde::de::Error::custom("not a map of texts")),
    }
}

/// A list: `null` is empty, one bare object is a list of one, `null` elements are left out.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        Value::Object(fields) if fields.is_empty() => Vec::new(),
        other => vec![other],
    };
    let items = items.into_iter().filter(|item| !item.is_null()).map(serde_json::from_value);
    items.collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

/// A list whose unreadable elements are left out: for lists in which an element is looked up by its kind.
pub(super) fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items = list::<D, Value>(deserializer)?;
    Ok(items.into_iter().filter_map(|item| serde_json::from_value(item).map_err(note::<T>).ok()).collect())
}

/// Logs a value of the wrong type.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn note<T>(error: serde_json::Error) {
    open::note_unknown(std::any::type_name::<T>(), &error.to_string());
}

/// A map whose `null` values are defaults. `null` and an empty list are an empty map.
pub(super) fn map<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    entries(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// A map of such maps.
pub(super) fn maps<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, BTreeMap<String, T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let outer: BTreeMap<String, Value> = map(deserializer)?;
    let inner = outer.into_iter().map(|(key, value)| Ok((key, entries(value)?)));
    inner.collect::<serde_json::Result<_>>().map_err(serde::de::Error::custom)
}

fn entries<T: DeserializeOwned + Default>(value: Value) -> serde_json::Result<BTreeMap<String, T>> {
    match value {
        Value::Null => Ok(BTreeMap::new()),
        Value::Array(items) if items.is_empty() => Ok(BTreeMap::new()),
        value => {
            let entries: BTreeMap<String, Option<T>> = serde_json::from_value(value)?;
            Ok(entries.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
        }
    }
}

/// One object where the documentation's table says a list of objects.
pub(super) fn one_or_first<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = match Value::deserialize(deserializer)? {
        Value::Array(items) => items.into_iter().next().unwrap_or(Value::Null),
        value => value,
    };
    if value.is_null() {
        return Ok(None);
    }
    serde_json::from_value(value).map(Some).map_err(serde::de::Error::custom)
}

/// A 64-bit number that may be a string, and may be absent; written as a string.
pub(super) mod opt_id {
    use super::{Deserialize, Deserializer, Serializer, ids};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
        #[derive(Deserialize)]
        struct Id(#[serde(deserialize_with = "ids::number_or_text")] u64);

        Option::<Id>::deserialize(d).map(|id| id.map(|Id(id)| id))
    }

    pub(crate) fn serialize<S: Serializer>(id: &Option<u64>, s: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => s.collect_str(id),
            None => s.serialize_none(),
        }
    }
}

/// Numbers that may be strings; written as numbers, which the service insists on for seller ids.
pub(super) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Number(#[serde(deserialize_with = "ids::number_or_text")] u64);

    let items = Option::<Vec<Number>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(items.into_iter().map(|Number(number)| number).collect())
}

/// A URL that may be absent, empty or unusable; written without what grants access.
pub(super) mod opt_url {
    use super::{Deserializer, SafeUrl, Serializer, lenient};

    pub(crate) fn deserialize<'de, D>(deserializer: D) -> Result<Option<SafeUrl>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let text: String = lenient(deserializer)?;
        Ok(SafeUrl::parse(&text).ok())
    }

    pub(crate) fn serialize<S>(url: &Option<SafeUrl>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        match url {
            Some(url) => serializer.collect_str(url),
            None => serializer.serialize_none(),
        }
    }
}

/// Maximum number of messages of a workflow.
const MAX_MESSAGES: usize = 50;
/// Maximum length of a message, and of all messages together, in bytes.
const MAX_MESSAGE: usize = 2000;
const MAX_ALL_MESSAGES: usize = 8 << 10;

/// Messages of a workflow, as they are stored and shown: masked, and limited in number and length. The last one says how many
/// are left out.
pub(super) fn messages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let all = texts(deserializer)?;
    let (mut kept, mut length) = (Vec::new(), 0);
    for message in &all {
        let message = shortened(mask(message), MAX_MESSAGE);
        length += message.len();
        if kept.len() == MAX_MESSAGES || length > MAX_ALL_MESSAGES {
            kept.push(format!("{} more messages", all.len() - kept.len()));
            break;
        }
        kept.push(message);
    }
    Ok(kept)
}

/// The text in at most `length` bytes, with `…` for the rest.
fn shortened(mut text: String, length: usize) -> String {
    if text.len() > length {
        text.truncate(text.floor_char_boundary(length));
        text.push('…');
    }
    text
}

/// Writes a text with signatures and tokens masked.
pub(super) fn mask_text<T: AsRef<str>, S: Serializer>(text: T, serializer: S) -> Result<S::Ok, S::Error> {
    mask(text.as_ref()).serialize(serializer)
}
