//! A request of the API in words, for operators.

use serde_json::Value;

/// Maximum number of fields, and of items of a list, that are written out.
const MAX_ITEMS: usize = 20;

/// The fields of a request that have a value: `product name "Echo", device type "internal"`.
#[must_use]
pub fn words(request: &Value) -> String {
    let mut fields = Vec::new();
    add(&mut fields, "", request);
    shortened(&fields)
}

fn add(fields: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let key = spaced(key);
                add(fields, &if name.is_empty() { key } else { format!("{name} {key}") }, value);
            }
        }
        Value::Array(items) if items.is_empty() => fields.push(format!("no {name}")),
        Value::Array(items) => {
            fields.push(format!("{name} {}", shortened(&items.iter().map(item).collect::<Vec<_>>())))
        }
        _ => fields.push(format!("{name} {}", item(value))),
    }
}

/// One value; an object of a list by its fields.
fn item(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{text}\""),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null => "nothing".to_owned(),
        Value::Array(_) | Value::Object(_) => format!("({})", words(value)),
    }
}

fn shortened(items: &[String]) -> String {
    let mut shown = items.iter().take(MAX_ITEMS).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > MAX_ITEMS {
        shown.push_str(&format!(" and {} more", items.len() - MAX_ITEMS));
    }
    shown
}

/// `productName` as `product name`; keys that begin with a capital or have other characters stay.
fn spaced(key: &str) -> String {
    let is_camel = key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_camel {
        return key.to_owned();
    }
    let mut spaced = String::with_capacity(key.len() + 8);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(letter.to_ascii_lowercase());
    }
    spaced
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn request_is_written_in_words() {
        let request = json!({
            "productName": "Echo", "deviceType": "internal", "isTestSign": false, "firmwareVersion": null, "marketingNames": [],
            "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"], "selectedProductTypes": {"windows_v100_CO": "Unclassified"},
        });
        assert_eq!(
            words(&request),
            "device type \"internal\", is test sign no, no marketing names, product name \"Echo\", requested signatures \
             \"WINDOWS_v100_X64_CO_FULL\", selected product types windows_v100_CO \"Unclassified\""
        );
        let many = json!({"list": (0..30).collect::<Vec<_>>()});
        assert!(words(&many).ends_with("18, 19 and 10 more"), "{}", words(&many));
    }
}
