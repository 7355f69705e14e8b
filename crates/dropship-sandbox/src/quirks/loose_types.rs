//! Quirks that give a field another JSON type than the documentation does.

use serde_json::{Map, Number, Value};

use crate::quirks::{Quirk, Quirks};

/// Texts that stay texts, also when they consist of digits: ids, names and digests.
const TEXTS: &[&str] = &[
    "id",
    "packageId",
    "productId",
    "submissionId",
    "sharedProductId",
    "sourceProductId",
    "sourcePublisherId",
    "name",
    "productName",
    "chid",
    "etag",
    "contentHash",
];

/// Changes the type of a field.
pub(super) fn retype(key: &str, field: &mut Value, quirks: Quirks) {
    match field {
        // A step that is a number is a quirk of its own.
        Value::Number(number) if quirks.has(Quirk::NumbersAsText) && key != "currentStep" => {
            *field = Value::String(number.to_string());
        }
        Value::Bool(flag) if quirks.has(Quirk::BooleansAsText) => {
            *field = Value::String(if *flag { "True" } else { "False" }.to_owned());
        }
        Value::String(text) if quirks.has(Quirk::TextAsNumbers) && !TEXTS.contains(&key) => {
            if let Some(number) = digits(text) {
                *field = Value::Number(number);
            }
        }
        Value::Array(items) => {
            items.iter_mut().filter(|item| !item.is_object()).for_each(|item| retype(key, item, quirks));
            if let [only @ Value::Object(_)] = items.as_mut_slice()
                && quirks.has(Quirk::ObjectsForLists)
            {
                *field = only.take();
            }
        }
        Value::Object(map) if map.is_empty() && quirks.has(Quirk::ListsForMaps) => {
            *field = Value::Array(Vec::new());
        }
        _ => {}
    }
}

/// Removes empty lists, or makes them null. With both quirks, every other list is removed.
pub(super) fn drop_lists(map: &mut Map<String, Value>, quirks: Quirks) {
    let (null, missing) = (quirks.has(Quirk::NullLists), quirks.has(Quirk::MissingLists));
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let empty: Vec<String> =
        map.iter().filter(|(_, value)| is_empty(value)).map(|(key, _)| key.clone()).collect();
    for (at, key) in empty.into_iter().enumerate() {
        if missing && (!null || at % 2 == 1) {
            map.remove(&key);
        } else if null {
            map.insert(key, Value::Null);
        }
    }
}

/// A number without leading zeros, so that the text can be had back from it.
fn digits(text: &str) -> Option<Number> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then(|| number.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::apply::apply_quirks;
    use super::*;

    fn changed_by(quirks: &str) -> Value {
        let plain = json!({
            "id": 7, "isTestSign": false, "firmwareVersion": "980", "marketingNames": [], "messages": [],
            "productName": "12", "selectedProductTypes": {}, "visibleToAccounts": [5], "links": [{"rel": "self"}],
            "sourcePublisherId": 0,
        });
        apply_quirks(plain, Quirks::parse(quirks).unwrap())
    }

    #[test]
    fn types_of_values_change_by_quirk() {
        let text = changed_by("numbers-as-text,booleans-as-text");
        assert_eq!((&text["id"], &text["visibleToAccounts"]), (&json!("7"), &json!(["5"])));
        assert_eq!(text["isTestSign"], "False");
        let numbers = changed_by("text-as-numbers,negative-publisher-id");
        assert_eq!((&numbers["firmwareVersion"], &numbers["productName"]), (&json!(980), &json!("12")));
        assert_eq!(numbers["sourcePublisherId"], -1);
    }

    #[test]
    fn lists_change_by_quirk() {
        assert_eq!(changed_by("null-lists")["marketingNames"], Value::Null);
        assert!(changed_by("missing-lists").get("marketingNames").is_none());
        assert_eq!(changed_by("objects-for-lists")["links"]["rel"], "self");
        assert_eq!(changed_by("lists-for-maps")["selectedProductTypes"], json!([]));
        let both = changed_by("null-lists,missing-lists");
        assert!(both["marketingNames"].is_null() && both.get("messages").is_none(), "{both}");
    }
}
