//! Compares an object at the service with a request: every field that was sent has to be equal, and every field that a client
//! can set and that was not sent has to be unset.

use serde_json::{Map, Value};

use dropship_hardware::{LABEL_FIELDS, PRODUCT_FIELDS, TARGETING_FIELDS};

/// The fields that a client can set, of products and labels and of the objects in them. All others are the service's own, such as
/// `distributionState`, or follow from these, as `manualAcquisition` does. The keys of [`MAPS`] are not among them.
const SETTABLE: [&[&str]; 3] = [PRODUCT_FIELDS, LABEL_FIELDS, TARGETING_FIELDS];

/// Objects whose keys all come from the client.
const MAPS: [&str; 2] = ["selectedProductTypes", "additionalAttributes"];

/// The first field that differs: one of `sent`, or one that a client can set and that only `found` has.
///
/// The service is known to change case, time zones and the order of lists, to omit empty fields, and to show unset fields with
/// their defaults. These are not differences.
pub(super) fn difference(sent: &Value, found: &Value) -> Option<String> {
    let (Value::Object(sent), Value::Object(found)) = (sent, found) else {
        return Some("it is not an object".to_owned());
    };
    let differs = |(key, sent): &(&String, &Value)| !equivalent(key, sent, find(found, key));
    let differing = sent.iter().find(differs).map(|(key, _)| format!("its {key} differs"));
    let added =
        || added(None, sent, found).map(|key| format!("its {key} is set, and the request does not set it"));
    differing.or_else(added)
}

/// The first field of `found` that a client has set and that is not in `sent`; `parent` is the key of both objects.
fn added<'f>(
    parent: Option<&str>,
    sent: &Map<String, Value>,
    found: &'f Map<String, Value>,
) -> Option<&'f str> {
    let is_map = parent.is_some_and(|parent| MAPS.contains(&parent));
    let is_sent = |key: &str| sent.keys().any(|sent| sent.eq_ignore_ascii_case(key));
    let mut keys = found.iter().filter(|(key, _)| is_map || is_settable(key));
    keys.find(|(key, value)| !is_sent(key) && !is_unset(key, value)).map(|(key, _)| key.as_str())
}

fn is_settable(key: &str) -> bool {
    SETTABLE.iter().any(|fields| fields.contains(&key))
}

/// Compares two values of the field `key`.
fn equivalent(key: &str, sent: &Value, found: &Value) -> bool {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            sent.iter().all(|(key, sent)| equivalent(key, sent, find(found, key)))
                && added(Some(key), sent, found).is_none()
        }
        (Value::Array(sent), Value::Array(found)) => {
            let same = |sent: &Value, found: &Value| equivalent(key, sent, found);
            sent.len() == found.len()
                && sent.iter().all(|sent| found.iter().any(|found| same(sent, found)))
                && found.iter().all(|found| sent.iter().any(|sent| same(sent, found)))
        }
        (Value::String(sent), Value::String(found)) => same_text(sent, found),
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            *text == number.to_string()
        }
        (sent, Value::Null) => is_unset(key, sent),
        (sent, found) => sent == found,
    }
}

/// Looks a key up ignoring case: the service returns family codes in its own spelling.
fn find<'a>(map: &'a serde_json::Map<String, Value>, key: &str) -> &'a Value {
    let exact = map.get(key);
    let ignoring_case =
        || map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    exact.or_else(ignoring_case).unwrap_or(&Value::Null)
}

fn same_text(sent: &str, found: &str) -> bool {
    sent.eq_ignore_ascii_case(found) || parse_time(sent).is_some_and(|sent| Some(sent) == parse_time(found))
}

/// The time in a text; a text without a zone is UTC.
fn parse_time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

/// Whether a value is what the service shows for a field that no client has set.
fn is_unset(key: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("notset") => true,
        // Without a date, a label goes live when it is certified.
        Value::String(text) if key == "goLiveDate" => {
            parse_time(text).is_some_and(|date| date <= jiff::Timestamp::now())
        }
        Value::String(text) => text.starts_with(NO_DATE),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.iter().all(|(key, value)| is_unset(key, value)),
    }
}

/// The unset date of .NET.
const NO_DATE: &str = "0001-01-01T";

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
    fn field_that_only_the_found_object_sets_is_a_difference() {
        let sent = json!({"productName": "Echo 1", "selectedProductTypes": {"windows_v100_RS3": "Touch"},
            "publishingSpecifications": {"isDisclosureRestricted": true},
            "targeting": {"hardwareIds": [{"pnpString": "a"}]}});
        let unset = json!({"id": 7, "driverType": "desktop", "productName": "Echo 1", "firmwareVersion": "",
            "announcementDate": "0001-01-01T00:00:00", "deviceType": "notSet", "marketingNames": [],
            "selectedProductTypes": {"Windows_v100_RS3": "touch"},
            "additionalAttributes": {"storageController": null}, "message": "m",
            "publishingSpecifications": {"isDisclosureRestricted": true, "manualAcquisition": true,
                "goLiveDate": "2020-01-01T00:00:00Z", "publishToWindows10s": false,
                "additionalInfoForMsApproval": {"isRebootRequired": false, "microsoftContact": null}},
            "targeting": {"hardwareIds": [{"pnpString": "A", "distributionState": "pendingAdd"}],
                "coEngDriverPublishInfo": {"flooringBuildNumber": 0}}});
        assert_eq!(difference(&sent, &unset), None);
        for (path, value) in [
            ("/announcementDate", json!("2027-01-01T00:00:00")),
            ("/firmwareVersion", json!("9")),
            ("/deviceType", json!("internal")),
            ("/marketingNames", json!(["Echo"])),
            (
                "/selectedProductTypes",
                json!({"windows_v100_RS3": "Touch", "windows_v100_RS4": "Unclassified"}),
            ),
            ("/additionalAttributes/storageController", json!({"isBootable": true})),
            ("/publishingSpecifications/goLiveDate", json!("2999-01-01T00:00:00Z")),
            ("/publishingSpecifications/additionalInfoForMsApproval/microsoftContact", json!("a@b")),
            ("/targeting/coEngDriverPublishInfo/flooringBuildNumber", json!(19041)),
        ] {
            let mut found = unset.clone();
            *found.pointer_mut(path).expect("a field") = value;
            assert!(difference(&sent, &found).is_some(), "{path}");
        }
        for (object, key, value) in [
            ("", "isFlightSign", json!(true)),
            ("", "deviceMetadataIds", json!(["00000000-0000-0000-0000-000000000001"])),
            ("", "packageType", json!("driver")),
            ("", "recipientSpecifications", json!({"receiverPublisherId": "27691110"})),
            ("/targeting", "restrictedToAudiences", json!(["00000000-0000-0000-0000-000000000001"])),
            ("/targeting", "chids", json!([{"chid": "00000000-0000-0000-0000-000000000001"}])),
            ("/targeting", "inServicePublishInfo", json!({"flooring": "RS4"})),
            ("/publishingSpecifications", "visibleToAccounts", json!([27_691_110])),
            ("/publishingSpecifications", "isAutoInstallDuringOSUpgrade", json!(true)),
            ("/publishingSpecifications", "publishToWindows10s", json!(true)),
        ] {
            let mut found = unset.clone();
            let map = found.pointer_mut(object).and_then(Value::as_object_mut).expect("an object");
            map.insert(key.to_owned(), value);
            assert!(difference(&sent, &found).is_some(), "{object}/{key}");
        }
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
