//! Is something at the service what a request asked for? Every field that was sent has to be equal.

use serde_json::Value;

/// The first field in which `found` is not what `sent` asked for.
///
/// The service is known to change case, time zones and the order of lists, and to leave out what is
/// empty; none of that is a difference.
pub(super) fn difference(sent: &Value, found: &Value) -> Option<String> {
    let (Value::Object(sent), Value::Object(found)) = (sent, found) else {
        return Some("it is no object".to_owned());
    };
    let differs = |(key, sent): &(&String, &Value)| !alike(sent, found.get(*key).unwrap_or(&Value::Null));
    sent.iter().find(differs).map(|(key, _)| format!("its {key} differs"))
}

fn alike(sent: &Value, found: &Value) -> bool {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            sent.iter().all(|(key, sent)| alike(sent, find(found, key)))
        }
        (Value::Array(sent), Value::Array(found)) => {
            sent.len() == found.len() && sent.iter().all(|sent| found.iter().any(|found| alike(sent, found)))
        }
        (Value::String(sent), Value::String(found)) => same_text(sent, found),
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            *text == number.to_string()
        }
        (sent, Value::Null) => is_empty(sent),
        (sent, found) => sent == found,
    }
}

/// A key, case-blind: family codes come back as the service spells them.
fn find<'a>(map: &'a serde_json::Map<String, Value>, key: &str) -> &'a Value {
    let exact = map.get(key);
    let blind = || map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    exact.or_else(blind).unwrap_or(&Value::Null)
}

fn same_text(sent: &str, found: &str) -> bool {
    sent.eq_ignore_ascii_case(found) || moment(sent).is_some_and(|sent| Some(sent) == moment(found))
}

/// The time that a text names; one without a zone is UTC.
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
    fn what_the_service_is_known_to_change_is_no_difference() {
        let sent = json!({"productName": "Echo 1", "testHarness": "Attestation", "announcementDate": "2018-01-01T00:00:00",
            "selectedProductTypes": {"windows_v100_RS3": "Unclassified"}, "requestedSignatures": ["A", "B"],
            "deviceMetadataIds": [], "isTestSign": false});
        let found = json!({"id": 1, "productName": "Echo 1", "testHarness": "attestation",
            "announcementDate": "2018-01-01T00:00:00Z", "selectedProductTypes": {"Windows_v100_RS3": "Unclassified"},
            "requestedSignatures": ["b", "a"]});
        assert_eq!(difference(&sent, &found), None);
    }

    #[test]
    fn any_other_field_is_a_difference_and_named() {
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
