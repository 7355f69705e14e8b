//! How the API's objects are shown.

use serde::Serialize;
use serde_json::Value;

use dropship_redact::Escaped;
use dropship_redact::mask;

/// Integers up to this one are exact in every JSON reader (IEEE 754 double).
const MAX_SAFE: u64 = 1 << 53;

/// An object as JSON with the API's field names. All ids become strings; secrets are masked in every field, also in
/// undocumented ones.
pub(super) fn json(object: &(impl Serialize + ?Sized)) -> serde_json::Result<Value> {
    serde_json::to_value(object).map(|value| mask_and_quote_ids("", value))
}

fn mask_and_quote_ids(key: &str, value: Value) -> Value {
    match value {
        Value::Number(number)
            if key == "id"
                || key.ends_with("Id")
                || number.as_u64().is_some_and(|number| number > MAX_SAFE) =>
        {
            Value::String(number.to_string())
        }
        Value::String(text) => Value::String(mask(&text)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| mask_and_quote_ids(key, item)).collect())
        }
        Value::Object(fields) => {
            let field = |(key, value): (String, Value)| {
                let value = mask_and_quote_ids(&key, value);
                (key, value)
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => other,
    }
}

/// An object as text, one field per line, without empty fields and links.
pub(super) fn describe(object: &Value) -> String {
    let mut lines = Vec::new();
    describe_fields(object, 0, &mut lines);
    lines.join("\n")
}

fn describe_fields(object: &Value, indent: usize, lines: &mut Vec<String>) {
    let Some(object) = object.as_object() else { return };
    let visible = || object.iter().filter(|(key, value)| *key != "links" && !is_empty(value));
    let width = visible().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, value) in visible() {
        let key = Escaped(key).to_string();
        match value {
            Value::Object(_) => {
                lines.push(format!("{:indent$}{key}", ""));
                describe_fields(value, indent + 2, lines);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lines.push(format!("{:indent$}{key}", ""));
                lines.extend(items.iter().map(|item| format!("{:indent$}  {}", "", on_one_line(item))));
            }
            value => lines.push(format!("{:indent$}{key:<width$}  {}", "", on_one_line(value))),
        }
    }
}

/// A value on one line.
fn on_one_line(value: &Value) -> String {
    match value {
        Value::String(text) => Escaped(text).to_string(),
        Value::Array(items) => items.iter().map(on_one_line).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| format!("{}={}", Escaped(key), on_one_line(value));
            let nonempty = fields.iter().filter(|(_, value)| !is_empty(value));
            nonempty.map(field).collect::<Vec<_>>().join("  ")
        }
        other => other.to_string(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A cell of a table; `-` if empty.
pub(super) fn cell(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { Escaped(&mask(text)).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_ids_become_strings_and_signatures_are_masked() {
        let object = json!({
            "id": 7, "productId": "8", "count": 9, "huge": 9_007_199_254_740_993_u64,
            "nested": [{ "newId": 5, "url": "https://h/b?sig=secret&se=1" }],
        });
        let shown = json!({
            "id": "7", "productId": "8", "count": 9, "huge": "9007199254740993",
            "nested": [{ "newId": "5", "url": "https://h/b?sig=***&se=1" }],
        });
        assert_eq!(super::json(&object).unwrap(), shown);
    }

    #[test]
    fn described_object_has_one_field_per_line_and_no_control_characters() {
        let object = json!({
            "name": "a\u{1b}[2J", "empty": [], "links": [{"href": "x"}], "state": {"step": "signing"},
            "items": [{"type": "signedPackage", "none": null}], "names": ["a", "b"],
        });
        let text = "items\n  type=signedPackage\nname   a\\u{1b}[2J\nnames  a, b\nstate\n  step  signing";
        assert_eq!(describe(&object), text);
    }
}
