//! Applies the quirks that change how a response is written, not what it says.

use serde_json::{Map, Value, json};

use crate::quirks::{Quirk, Quirks, loose_types};

/// The steps of all workflows, in the order of the service's step numbers.
const STEPS: &[&str] = &[
    "packageInfoValidation",
    "preparation",
    "scanning",
    "validation",
    "catalogCreation",
    "manualReview",
    "signing",
    "finalizeIngestion",
    "created",
    "preProcessShippingLabel",
    "finalizePreProcessing",
    "publishJobValidation",
    "updateGeneration",
    "microsoftApproval",
    "publishing",
    "finalizePublishing",
    "processSharing",
    "finalizeSharing",
];

/// `commitPending` to `CommitPending`.
pub(crate) fn pascal(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `NotStarted` to `notStarted`.
pub(crate) fn camel(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Rewrites a response of the API.
pub(crate) fn apply_quirks(mut value: Value, quirks: Quirks) -> Value {
    if quirks != Quirks::none() {
        walk(&mut value, quirks, 0);
    }
    value
}

fn walk(value: &mut Value, quirks: Quirks, depth: usize) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, quirks, depth + 1)),
        Value::Object(map) => {
            let is_page = depth == 0 && map.contains_key("value");
            for (key, field) in map.iter_mut() {
                walk(field, quirks, depth + 1);
                rewrite_field(key, field, quirks);
                if !is_page {
                    loose_types::retype(key, field, quirks);
                }
            }
            if !is_page {
                loose_types::drop_lists(map, quirks);
            }
            rewrite_object(map, quirks, depth);
        }
        _ => {}
    }
}

/// Quirks that add or remove fields of an object.
fn rewrite_object(map: &mut Map<String, Value>, quirks: Quirks, depth: usize) {
    // The link to the driver metadata must stay usable.
    if quirks.has(Quirk::ForeignHostsInLinks)
        && map.get("rel").is_none_or(|rel| rel != "driverMetadata")
        && let Some(Value::String(href)) = map.get("href")
    {
        let foreign = foreign_host(href);
        map.insert("href".to_owned(), Value::String(foreign));
    }
    if quirks.has(Quirk::MissingCommitStatus) {
        map.remove("commitStatus");
    }
    if quirks.has(Quirk::SparseFields) {
        if map.get("messages").is_some_and(|list| list.as_array().is_some_and(Vec::is_empty)) {
            map.insert("messages".to_owned(), Value::Null);
        }
        map.remove("manualAcquisition");
        if map.get("errorReport").is_some_and(|text| text == "") {
            map.remove("errorReport");
        }
        if map
            .get("additionalAttributes")
            .is_some_and(|attributes| attributes.as_object().is_some_and(Map::is_empty))
        {
            map.insert("additionalAttributes".to_owned(), Value::Null);
        }
    }
    if quirks.has(Quirk::DatesWithoutZone)
        && map.contains_key("productName")
        && !map.contains_key("announcementDate")
    {
        map.insert("announcementDate".to_owned(), json!("0001-01-01T00:00:00"));
    }
    if quirks.has(Quirk::NegativePublisherId)
        && map.get("sourcePublisherId").is_some_and(|id| *id == 0 || *id == "0")
    {
        map.insert("sourcePublisherId".to_owned(), json!(-1));
    }
    if quirks.has(Quirk::UnknownFields) && depth <= 2 && map.contains_key("id") {
        map.insert("serviceGeneration".to_owned(), json!({"ring": "canary", "wave": 3}));
        map.insert("isUnheardOf".to_owned(), Value::Null);
    }
}

/// Quirks that change the value of a field.
fn rewrite_field(key: &str, field: &mut Value, quirks: Quirks) {
    match key {
        "currentStep" => {
            if quirks.has(Quirk::NumericCurrentStep)
                && let Some(number) = STEPS.iter().position(|step| field == step)
            {
                *field = json!(number);
            } else {
                capitalise(field, quirks, Quirk::PascalCaseStatus);
            }
        }
        "commitStatus" => {
            if quirks.has(Quirk::OldCommitStatus) && field == "commitReceived" {
                *field = json!("commitStarted");
            }
            capitalise(field, quirks, Quirk::PascalCaseStatus);
        }
        "state" | "distributionState" => capitalise(field, quirks, Quirk::PascalCaseStatus),
        "testHarness" | "deviceType" | "type" | "destination" => capitalise(field, quirks, Quirk::EnumCase),
        "id" | "productId" | "submissionId" | "sharedProductId"
            if quirks.has(Quirk::StringIds) && field.is_number() =>
        {
            *field = Value::String(field.to_string());
        }
        "url" if quirks.has(Quirk::SpaceInSas) => replace(field, |url| url.replace("%20", " ")),
        "announcementDate" if quirks.has(Quirk::DatesWithoutZone) => {
            replace(field, |date| date.trim_end_matches('Z').to_owned());
        }
        "goLiveDate" | "createdDateTime" | "updatedDateTime" | "createdDate" | "lastModified"
            if quirks.has(Quirk::SevenDigitFractions) =>
        {
            replace(field, seven_digits);
        }
        _ => {}
    }
}

fn capitalise(field: &mut Value, quirks: Quirks, quirk: Quirk) {
    if quirks.has(quirk) {
        replace(field, pascal);
    }
}

fn replace(field: &mut Value, change: impl FnOnce(&str) -> String) {
    if let Value::String(text) = field {
        *text = change(text);
    }
}

/// `2018-04-04T16:11:27.296Z` to `2018-04-04T16:11:27.2965057+00:00`.
fn seven_digits(text: &str) -> String {
    let without_zone = text.trim_end_matches('Z').trim_end_matches("+00:00");
    let (seconds, fraction) = without_zone.split_once('.').unwrap_or((without_zone, ""));
    format!("{seconds}.{fraction:.7}{}+00:00", "5057000".get(fraction.len().min(7)..).unwrap_or_default())
}

/// Links like those in the examples of the service's own documentation, which lead to other hosts.
fn foreign_host(href: &str) -> String {
    let Some((_, path)) = href.split_once("/my/hardware/") else {
        return href.to_owned();
    };
    match path.len() % 3 {
        0 => format!("https://hardwareapi.microsoft.com/api/v1/hardware/{path}"),
        1 => format!("https:// manage.devcenter.microsoft.com/api/v2.0/my/hardware/{path}"),
        _ => format!("https://manage.devcenter..microsoft.com/v2.0/my/hardware/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_without_quirks_is_unchanged() {
        let plain = json!({"id": 7, "commitStatus": "commitPending", "links": [{"href": "http://h/v2.0/my/hardware/x"}]});
        assert_eq!(apply_quirks(plain.clone(), Quirks::none()), plain);
    }

    #[test]
    fn quirk_changes_only_its_own_fields() {
        let plain = json!({"id": 7, "commitStatus": "commitReceived", "workflowStatus": {"currentStep": "scanning", "state": "started"}});
        let changed = apply_quirks(plain.clone(), Quirks::parse("numeric-current-step,string-ids").unwrap());
        assert_eq!(changed["id"], "7");
        assert_eq!(changed["workflowStatus"]["currentStep"], 2);
        let changed = apply_quirks(plain, Quirks::parse("pascal-case-status,old-commit-status").unwrap());
        assert_eq!(changed["commitStatus"], "CommitStarted");
        assert_eq!(changed["workflowStatus"]["state"], "Started");
    }

    #[test]
    fn fraction_is_extended_to_seven_digits() {
        assert_eq!(seven_digits("2018-04-04T16:11:27.296Z"), "2018-04-04T16:11:27.2967000+00:00");
        assert_eq!(seven_digits("2018-04-04T16:11:27Z"), "2018-04-04T16:11:27.5057000+00:00");
    }
}
