//! Expected fields against the JSON of requests.

use serde::Serialize;
use serde_json::Value;

use super::fields::ExpectedFields;
use super::model::{Mismatch, Mismatches};
use dropship_glob::Glob;

/// Names that rules use for fields of the API, both without case and underscores.
const NAMES: &[(&str, &str)] = &[
    ("name", "productname"),
    ("golive", "golivedate"),
    ("audiences", "restrictedtoaudiences"),
    ("floor", "flooring"),
    ("floorbuild", "flooringbuildnumber"),
    ("ceilingbuild", "ceilingbuildnumber"),
    ("partner", "receiverpublisherid"),
    ("partners", "receiverpublisherid"),
    ("approval", "additionalinfoformsapproval"),
    ("kind", "type"),
];

pub(super) fn value<T: Serialize>(request: &T) -> Value {
    serde_json::to_value(request).unwrap_or(Value::Null)
}

pub(super) fn globs(globs: &[Glob]) -> String {
    let quoted: Vec<_> = globs.iter().map(|glob| format!("\"{glob}\"")).collect();
    quoted.join(", ")
}

/// The expected fields that fit in none of `requests`, of which the first is what is sent. `what` names the request.
#[must_use]
pub fn compare(what: &str, expected: &ExpectedFields, requests: &[Value]) -> Vec<Mismatch> {
    let mut differences = Mismatches::default();
    fields(what, expected, requests, &mut differences);
    differences.0
}

/// Notes each expected field that fits in none of `requests`, of which the first is what is sent.
pub(super) fn fields(
    what: &str,
    expected: &ExpectedFields,
    requests: &[Value],
    differences: &mut Mismatches,
) {
    for (key, expected) in expected {
        let found: Vec<_> = requests.iter().flat_map(|request| find(request, key)).collect();
        if found.iter().any(|found| is_expected(expected, found)) {
            continue;
        }
        let shown = match found.first() {
            Some(found) => found.to_string(),
            None => "nothing".to_owned(),
        };
        differences.put(format!("{what}.{key}"), expected.to_string(), shown);
    }
}

/// Every value under that name, at any depth; `a.b` goes down.
fn find<'a>(request: &'a Value, key: &str) -> Vec<&'a Value> {
    if let Some((head, rest)) = key.split_once('.') {
        return find(request, head).into_iter().flat_map(|value| find(value, rest)).collect();
    }
    let mut found = Vec::new();
    match request {
        Value::Object(fields) => {
            found.extend(fields.iter().filter(|(name, _)| is_same_name(key, name)).map(|(_, value)| value));
            found.extend(fields.values().flat_map(|value| find(value, key)));
        }
        Value::Array(items) => found.extend(items.iter().flat_map(|item| find(item, key))),
        _ => {}
    }
    found
}

fn is_same_name(key: &str, name: &str) -> bool {
    let plain = |name: &str| name.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let (key, name) = (plain(key), plain(name));
    key == name
        || name.strip_prefix("is") == Some(&key)
        || key.strip_prefix("is") == Some(&name)
        || NAMES.contains(&(key.as_str(), name.as_str()))
}

/// Texts are globs; numbers and ids may be either texts or numbers; tables may say less than there is.
fn is_expected(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::String(expected), Value::String(found)) => is_expected_text(expected, found),
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| is_expected(expected, found))
        }
        (expected, Value::Array(found)) => matches!(found.as_slice(), [only] if is_expected(expected, only)),
        (Value::Object(expected), found) => expected
            .iter()
            .all(|(key, expected)| find(found, key).into_iter().any(|found| is_expected(expected, found))),
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            number.to_string() == *text
        }
        (expected, found) => expected == found,
    }
}

fn is_expected_text(expected: &str, found: &str) -> bool {
    expected == found
        || (expected.contains(['*', '?', '[', '{'])
            && Glob::new(expected).is_ok_and(|glob| glob.is_match(found)))
}
