//! Reads request bodies the way the service does: field names without regard to case.

use serde_json::{Map, Value};

use crate::reply::ErrorReply;

/// A body that must be a JSON object.
pub(crate) fn object(body: &Value) -> Result<&Map<String, Value>, ErrorReply> {
    body.as_object().ok_or_else(|| ErrorReply::field("body", "The request body must be a JSON object."))
}

/// A field by its name.
pub(crate) fn value_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A field that is neither absent nor null.
pub(crate) fn present<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    value_of(map, name).filter(|value| !value.is_null())
}

/// A text field; empty if absent.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    value_of(map, name).and_then(Value::as_str).unwrap_or_default()
}

/// A boolean field; false if absent.
pub(crate) fn flag(map: &Map<String, Value>, name: &str) -> bool {
    value_of(map, name).and_then(Value::as_bool).unwrap_or(false)
}

/// A list field; empty if absent.
pub(crate) fn items<'a>(map: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    value_of(map, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An object field; absent if it is not an object.
pub(crate) fn part<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    value_of(map, name).and_then(Value::as_object)
}

/// Whether a value is a list of strings.
pub(crate) fn is_text_list(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}
