//! Masks the texts of a JSON document, and keeps it valid.

use crate::mask::mask;
use crate::value::MASK;
use crate::value::name;

/// Masks every text of a JSON document; the rest stays as it is. The value of a key such as `client_secret` is masked whole.
/// A text that is not JSON is masked as text.
#[must_use]
pub fn mask_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut rest = document;
    let mut key_is_secret = false;
    while let Some(start) = rest.find('"') {
        let Some(length) = literal_length(&rest[start..]) else { break };
        let literal = &rest[start..start + length];
        let Ok(text) = serde_json::from_str::<String>(literal) else { break };
        let after = &rest[start + length..];
        let is_key = after.trim_start().starts_with(':');
        let between = &rest[..start];
        out.push_str(between);
        let is_value_of_secret = key_is_secret && between.trim().trim_end_matches('[').trim_end() == ":";
        let masked =
            if is_value_of_secret && !is_key && !text.is_empty() { MASK.to_owned() } else { mask(&text) };
        if masked == text {
            out.push_str(literal);
        } else {
            out.push_str(&serde_json::Value::from(masked).to_string());
        }
        key_is_secret = is_key && name(text.as_bytes()).is_some();
        rest = after;
    }
    if rest.contains('"') {
        out.push_str(&mask(rest));
    } else {
        out.push_str(rest);
    }
    out
}

/// Length in bytes of the text literal that a document begins with.
fn literal_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_with_secrets_stays_valid() {
        let document = r#"{"a": "client_secret=abc", "client_secret": "x y", "b": ["password:", "next"], "n": 1, "Authorization": ["Bearer x"]}"#;
        let masked = mask_json(document);
        let value: serde_json::Value = serde_json::from_str(&masked).expect("valid JSON");
        assert_eq!(
            value,
            serde_json::json!({"a": "client_secret=***", "client_secret": "***", "b": ["password:", "next"], "n": 1,
                "Authorization": ["***"]})
        );
        assert_eq!(mask_json("no JSON: \"sig=abc"), "no JSON: \"sig=***");
        assert_eq!(mask_json(r#"{"a":"\u00e9 x"}"#), r#"{"a":"\u00e9 x"}"#);
    }
}
