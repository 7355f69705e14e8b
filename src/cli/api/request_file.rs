//! `--file FILE`: a request as JSON, in the API's own form or as SDCM and HDCM write it.
//!
//! No field is dropped silently: a field that dropship does not know is sent as it is, unless it looks like a misspelt one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::request_fields::RequestFields;
use crate::cli::exit::usage;
use dropship_rules::suggest;

/// Dates that clients in C# send when no date is set.
const UNSET_DATE: &str = "0001-01-01T00:00:00";

/// Maximum depth of a request.
const MAX_DEPTH: usize = 16;

/// Reads a request from a file; `-` is standard input.
pub(super) fn read<T: DeserializeOwned + Serialize>(
    file: &Path,
    fields: &RequestFields,
) -> anyhow::Result<T> {
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    parse(&text, fields).map_err(|why| usage(format!("{}: {why}", PathInMessage(file.to_owned()))))
}

/// A file in messages.
struct PathInMessage(PathBuf);

impl std::fmt::Display for PathInMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == Path::new("-") { f.write_str("standard input") } else { self.0.display().fmt(f) }
    }
}

fn parse<T: DeserializeOwned + Serialize>(text: &str, fields: &RequestFields) -> Result<T, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let value = normalize(unwrap_sdcm(value, fields)?, fields, "", 0)?;
    let request: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let serialized = serde_json::to_value(&request).map_err(|error| error.to_string())?;
    match find_lost_field(&value, &serialized, "") {
        None => Ok(request),
        Some(path) => Err(format!(
            "dropship does not know the field `{path}` and cannot send it; remove it from the file"
        )),
    }
}

/// The request inside the wrapper of SDCM: `{"createType": "product", "createProduct": {…}}`.
fn unwrap_sdcm(value: Value, fields: &RequestFields) -> Result<Value, String> {
    let Value::Object(mut map) = value else { return Err("the request is not a JSON object".to_owned()) };
    let find =
        |map: &Map<String, Value>, name: &str| map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
    if let Some(key) = find(&map, "createType") {
        let found = map.get(&key).and_then(Value::as_str).unwrap_or_default();
        if !found.eq_ignore_ascii_case(fields.create_type) {
            return Err(format!(
                "`createType` is `{found}`, but this command needs `{}`",
                fields.create_type
            ));
        }
        let inner = find(&map, fields.wrapper).and_then(|key| map.remove(&key));
        return inner.filter(Value::is_object).ok_or_else(|| format!("`{}` is missing", fields.wrapper));
    }
    match find(&map, fields.wrapper) {
        Some(key) if map.len() == 1 => Ok(map.remove(&key).unwrap_or_default()),
        _ => Ok(Value::Object(map)),
    }
}

/// The request without what means "absent", and with the API's spelling of the fields that dropship knows.
fn normalize(value: Value, fields: &RequestFields, path: &str, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("`{path}` is nested too deeply"));
    }
    match value {
        Value::Array(items) => {
            let items = items.into_iter().enumerate().filter(|(_, item)| !item.is_null());
            let items = items.map(|(at, item)| normalize(item, fields, &format!("{path}[{at}]"), depth + 1));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Value::Object(map) => {
            let is_map_of_texts = path.rsplit('.').next().is_some_and(|key| fields.text_maps.contains(&key));
            let mut kept = Map::new();
            for (key, field) in map.into_iter().filter(|(key, field)| !is_absent(key, field)) {
                let key = if is_map_of_texts { key } else { api_spelling(key, fields)? };
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let field = normalize(field, fields, &path, depth + 1)?;
                if kept.insert(key, field).is_some() {
                    return Err(format!("the field `{path}` is there twice"));
                }
            }
            Ok(Value::Object(kept))
        }
        plain => Ok(plain),
    }
}

/// Whether a field means that there is no value.
fn is_absent(key: &str, field: &Value) -> bool {
    let is_date = key.to_ascii_lowercase().ends_with("date");
    field.is_null()
        || is_date && field.as_str().is_some_and(|date| date.is_empty() || date.starts_with(UNSET_DATE))
}

/// The API's spelling of a field. A field of another name is kept, unless it is nearly one that dropship knows.
fn api_spelling(key: String, fields: &RequestFields) -> Result<String, String> {
    if let Some(known) = fields.names().find(|known| known.eq_ignore_ascii_case(&key)) {
        return Ok(known.to_owned());
    }
    match suggest::nearest(&key, fields.names()) {
        Some(known) => Err(format!("there is no field `{key}`; did you mean `{known}`?")),
        None => Ok(key),
    }
}

/// The first field with a value that is missing in what would be sent.
fn find_lost_field(given: &Value, sent: &Value, path: &str) -> Option<String> {
    match (given, sent) {
        (Value::Object(given), Value::Object(sent)) => given.iter().find_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match sent.get(key) {
                Some(sent) => find_lost_field(value, sent, &path),
                None => (!is_empty(value)).then_some(path),
            }
        }),
        (Value::Array(given), Value::Array(sent)) => {
            let mut pairs = given.iter().zip(sent).enumerate();
            pairs.find_map(|(at, (given, sent))| find_lost_field(given, sent, &format!("{path}[{at}]")))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::request_fields::{LABEL, LABEL_UPDATE, PRODUCT};
    use super::*;
    use dropship_hardware::{LabelUpdate, NewProduct, NewShippingLabel};

    fn sent<T: DeserializeOwned + Serialize>(text: &Value, fields: &RequestFields) -> Value {
        let request: T = parse(&text.to_string(), fields).unwrap_or_else(|why| panic!("{why}: {text}"));
        serde_json::to_value(&request).unwrap()
    }

    #[test]
    fn every_known_field_has_a_place_in_its_request() {
        for (fields, place) in [(&LABEL, "label"), (&LABEL_UPDATE, "update"), (&PRODUCT, "product")] {
            let sample = fields.sample();
            let (request, other) = match place {
                "label" => {
                    let read: NewShippingLabel = serde_json::from_value(sample.clone()).unwrap();
                    (serde_json::to_value(&read).unwrap(), read.other)
                }
                "update" => {
                    let read: LabelUpdate = serde_json::from_value(sample.clone()).unwrap();
                    (serde_json::to_value(&read).unwrap(), read.other)
                }
                _ => {
                    let read: NewProduct = serde_json::from_value(sample.clone()).unwrap();
                    (serde_json::to_value(&read).unwrap(), read.other)
                }
            };
            assert_eq!((request, other.is_empty()), (sample.clone(), true), "{place}");
            let text = sample.to_string();
            for name in fields.names() {
                assert!(text.contains(&format!("\"{name}\":")), "the sample of {place} has no {name}");
            }
        }
    }

    #[test]
    fn file_of_sdcm_is_read() {
        let file = json!({"createType": "Product", "createProduct": {
            "productName": "P", "testHarness": "HLK", "selectedProductTypes": {"windows_v100_RS4": "Unclassified"},
            "requestedSignatures": ["WINDOWS_v100_X64_RS4_FULL"], "announcementDate": "0001-01-01T00:00:00",
            "deviceType": "external", "deviceMetaDataIds": null, "firmwareVersion": 0, "isTestSign": false,
            "markettingNames": null, "additionalAttributes": null,
        }, "createSubmission": null});
        let product = sent::<NewProduct>(&file, &PRODUCT);
        assert_eq!((&product["productName"], &product["firmwareVersion"]), (&json!("P"), &json!("0")));
        assert!(product.get("announcementDate").is_none() && product.get("markettingNames").is_none());
        let wrong = parse::<NewShippingLabel>(&file.to_string(), &LABEL).unwrap_err();
        assert!(wrong.contains("createType") && wrong.contains("shippingLabel"), "{wrong}");
    }

    #[test]
    fn unknown_field_is_sent_or_refused_and_never_dropped() {
        let label = json!({"name": "l", "destination": "windowsUpdate", "rolloutRing": {"wave": 3},
            "publishingSpecifications": {"throttling": 5}, "targeting": {"hardwareIds": [{"pnpString": "p", "ring": "x"}]}});
        assert_eq!(sent::<NewShippingLabel>(&label, &LABEL)["rolloutRing"]["wave"], 3);
        assert_eq!(sent::<NewShippingLabel>(&label, &LABEL)["publishingSpecifications"]["throttling"], 5);
        assert_eq!(sent::<NewShippingLabel>(&label, &LABEL)["targeting"]["hardwareIds"][0]["ring"], "x");
        let misspelt = json!({"name": "l", "destination": "windowsUpdate",
            "publishingSpecifications": {"manualAcquistion": true}});
        let why = parse::<NewShippingLabel>(&misspelt.to_string(), &LABEL).unwrap_err();
        assert!(why.contains("`manualAcquistion`") && why.contains("`manualAcquisition`"), "{why}");
        let old = json!({"targetingInfo": {"chids": []}});
        let why = parse::<LabelUpdate>(&old.to_string(), &LABEL_UPDATE).unwrap_err();
        assert!(why.contains("`targeting`"), "{why}");
        let nowhere = json!({"targeting": {"chids": [{"action": "add", "chid": "c", "since": 5}]}});
        let why = parse::<LabelUpdate>(&nowhere.to_string(), &LABEL_UPDATE).unwrap_err();
        assert!(why.contains("`targeting.chids[0].since`"), "{why}");
    }

    #[test]
    fn spelling_is_corrected_and_doubles_are_refused() {
        let update = json!({"Targeting": {"RestrictedToAudiences": [], "coengdriverpublishinfo": {"flooringBuildNumber": "26100"}}});
        let update = sent::<LabelUpdate>(&update, &LABEL_UPDATE);
        assert_eq!(update["targeting"]["restrictedToAudiences"], json!([]));
        assert_eq!(update["targeting"]["coEngDriverPublishInfo"]["flooringBuildNumber"], 26_100);
        let twice = r#"{"name": "a", "Name": "b", "destination": "windowsUpdate"}"#;
        assert!(parse::<NewShippingLabel>(twice, &LABEL).unwrap_err().contains("twice"));
        assert!(parse::<NewShippingLabel>("[]", &LABEL).unwrap_err().contains("JSON object"));
    }
}
