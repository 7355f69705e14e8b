//! Compares an object at the service with a request: every field that was sent has to be equal.

use serde_json::Value;

/// The first field of `sent` that differs in `found`.
///
/// The service is known to change case, time zones and the order of lists, and to omit empty fields. These are not
/// differences.
pub(super) fn difference(sent: &Value, found: &Value) -> Option<String> {
    let (Value::Object(sent), Value::Object(found)) = (sent, found) else {
        return Some("it is not an object".to_owned());
    };
    let differs =
        |(key, sent): &(&String, &Value)| !equivalent(sent, found.get(*key).unwrap_or(&Value::Null));
    sent.iter().find(differs).map(|(key, _)| format!("its {key} differs"))
}

fn equivalent(sent: &Value, found: &Value) -> bool {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            sent.iter().all(|(key, sent)| equivalent(sent, find(found, key)))
        }
        (Value::Array(sent), Value::Array(found)) => {
            sent.len() == found.len()
                && sent.iter().all(|sent| found.iter().any(|found| equivalent(sent, found)))
        }
        (Value::String(sent), Value::String(found)) => same_text(sent, found),
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            *text == number.to_string()
        }
        (sent, Value::Null) => is_empty(sent),
        (sent, found) => sent == found,
    }
}

/// Looks a key up ignoring case: the service returns family codes in its own spelling.
fn find<'a>(map: &'a serde_json::Map<String, Value>, key: &str) -> &'a Value {
    let exact = map.get(key);
    let blind = || map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    exact.or_else(blind).unwrap_or(&Value::Null)
}

fn same_text(sent: &str, found: &str) -> bool {
    sent.eq_ignore_ascii_case(found) || moment(sent).is_some_and(|sent| Some(sent) == moment(found))
}

/// The time in a text; a text without a zone is UTC.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_changes_of_the_service_are_no_difference() {
        let sent = json!({"productName": "Echo 1", "testHarness": "Attestation", "announcementDate": "2018-01-01T00:00:00",
            "selectedProductTypes": {"windows_v100_RS3": "Unclassified"}, "requestedSignatures": ["A", "B"],
            "deviceMetadataIds": [], "isTestSign": false});
        let found = json!({"id": 1, "productName": "Echo 1", "testHarness": "attestation",
            "announcementDate": "2018-01-01T00:00:00Z", "selectedProductTypes": {"Windows_v100_RS3": "Unclassified"},
            "requestedSignatures": ["b", "a"]});
        assert_eq!(difference(&sent, &found), None);
    }

    #[test]
    fn differing_field_is_named() {
        let sent = json!({"productName": "Echo 1", "requestedSignatures": ["A"], "isTestSign": true});
        for (found, key) in [
            (
                json!({"productName": "Echo 2", "requestedSignatures": ["A"], "isTestSign": true}),
                "productName",
            ),
            (
                json!({"productName": "Echo 1", "requestedSignatures": ["A", "B"], "isTestSign": true}),
                "requestedSignatures",
            ),
            (json!({"productName": "Echo 1", "requestedSignatures": ["A"]}), "isTestSign"),
        ] {
            assert_eq!(difference(&sent, &found), Some(format!("its {key} differs")));
        }
    }
}
