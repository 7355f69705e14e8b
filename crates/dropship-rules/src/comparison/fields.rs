//! Compares the fields of two requests.

use serde::Serialize;
use serde_json::{Map, Value};

use super::difference::ValueChange;

/// The fields of a request by name.
pub(super) fn fields(request: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(request) {
        Ok(Value::Object(fields)) => fields,
        // Requests are objects; one that could not be written could not be stored with its job either.
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The fields in which two requests differ. The order of lists has no effect at the service.
pub(super) fn differing(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<ValueChange> {
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let value = |fields: &Map<String, Value>, key: &String| fields.get(key).cloned().unwrap_or_default();
    let change = |key| ValueChange { key: String::clone(key), old: value(old, key), new: value(new, key) };
    keys.into_iter().map(change).filter(|change| !is_same(&change.old, &change.new)).collect()
}

fn is_same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => old.len() == new.len() && sorted(old) == sorted(new),
        _ => old == new,
    }
}

fn sorted(list: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = list.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts
}

/// The key of the configuration for a field of a product request.
pub(super) fn product_key(field: &str) -> String {
    if field == "productName" {
        return "product.name".to_owned();
    }
    let mut key = "product.".to_owned();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}
