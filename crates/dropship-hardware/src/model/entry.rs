//! Lenient reading of objects: a field of an unexpected form never makes an object unreadable, except the fields that decide.
//!
//! The id decides, in a list also the name. Any other field that cannot be read counts as absent, is kept as it came, and is
//! logged once.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use dropship_redact::mask;

use super::{Asset, Audience, Product, ShippingLabel, Submission, Unknown};

pub(crate) use super::open::is_new;

/// An object that lists hold.
pub trait Listed: DeserializeOwned {
    /// Name of the field with the name; `None` for objects without one.
    #[doc(hidden)]
    const NAME: Option<&'static str>;
    /// Whether lists of them come as a plain array without an envelope. Observed for assets.
    #[doc(hidden)]
    const COMES_AS_PLAIN_ARRAY: bool;
    /// The key that distinguishes it from the other objects of a list.
    fn key(&self) -> String;
    /// Its name; empty if it has none.
    #[doc(hidden)]
    fn name(&self) -> &str;
    /// Where fields are kept that have no place of their own.
    #[doc(hidden)]
    fn other_mut(&mut self) -> &mut Unknown;
}

/// Maximum number of fields of an object that is read field by field; the documented ones have some dozens.
const MAX_FIELDS: usize = 500;

macro_rules! listed {
    ($($object:ty, $name:expr, $field:ident, $plain:literal;)+) => {
        $(impl Listed for $object {
            const NAME: Option<&'static str> = $name;
            const COMES_AS_PLAIN_ARRAY: bool = $plain;

            fn key(&self) -> String {
                self.id.to_string()
            }

            fn name(&self) -> &str {
                &self.$field
            }

            fn other_mut(&mut self) -> &mut Unknown {
                &mut self.other
            }
        })+
    };
}
listed! {
    Audience, Some("name"), name, false;
    Product, Some("productName"), product_name, false;
    ShippingLabel, Some("name"), name, false;
    Submission, Some("name"), name, false;
    Asset, None, id, true;
}

/// Reads an entry of a list, which needs a readable id and name.
///
/// # Errors
/// When a field cannot be read. The text follows the position of the entry in a message: `(id 7) has no readable name`.
pub(crate) fn read_listed<T: Listed>(value: Value) -> Result<T, String> {
    let shown = describe(&value, T::NAME);
    let item: T = read(value).map_err(|why| format!("{shown}{why}"))?;
    if item.key().trim().is_empty() {
        return Err(format!("{shown}has no readable id"));
    }
    if T::NAME.is_some() && item.name().trim().is_empty() {
        return Err(format!("{shown}has no readable name"));
    }
    Ok(item)
}

/// Reads an object, which needs a readable id.
///
/// # Errors
/// When a field cannot be read, such as `has no readable id`.
pub(crate) fn read<T: Listed>(value: Value) -> Result<T, String> {
    if let Ok(item) = T::deserialize(&value) {
        return Ok(item);
    }
    let Value::Object(fields) = value else { return Err("is not an object".to_owned()) };
    if fields.len() > MAX_FIELDS {
        return Err(format!("has {} fields", fields.len()));
    }
    // At least one field has an unexpected form. The fields are added one by one, as long as the object can be read.
    let mut readable = Map::new();
    let mut item = None;
    let mut unreadable = Map::new();
    let is_first = |key: &str| key == "id";
    let in_order = fields.iter().filter(|(key, _)| is_first(key));
    for (key, field) in in_order.chain(fields.iter().filter(|(key, _)| !is_first(key))) {
        readable.insert(key.clone(), field.clone());
        match from_fields::<T>(&readable) {
            Ok(read) => item = Some(read),
            Err(error) => {
                readable.remove(key);
                unreadable.insert(key.clone(), field.clone());
                if !is_first(key) && is_new("field", &format!("{} {key} {error}", std::any::type_name::<T>()))
                {
                    let (key, error) = (mask(key), mask(&error.to_string()));
                    tracing::warn!(
                        field = key,
                        "the service sent a field `{key}` that cannot be read, which is ignored: {error}"
                    );
                }
            }
        }
    }
    match item {
        Some(mut item) if !unreadable.contains_key("id") => {
            item.other_mut().extend(unreadable);
            Ok(item)
        }
        _ => Err("has no readable id".to_owned()),
    }
}

fn from_fields<T: Listed>(fields: &Map<String, Value>) -> Result<T, serde_json::Error> {
    T::deserialize(Value::Object(fields.clone()))
}

/// Id and name of an entry as far as they are plain values, in brackets, to find it at the service.
fn describe(value: &Value, name: Option<&str>) -> String {
    let plain = |key: &str| match value.get(key)? {
        Value::String(text) => Some(mask(text).chars().filter(|c| !c.is_control()).take(80).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let id = plain("id").map(|id: String| format!("id {id}"));
    let name = name.and_then(plain).map(|name| format!("`{name}`"));
    let parts: Vec<_> = [id, name].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("({}) ", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn product_with_odd_fields_is_read() {
        let odd = json!({
            "id": "7", "productName": 980, "sharedProductId": {"x": 1}, "sourcePublisherId": -1, "isCommitted": "True",
            "isTestSign": 0, "marketingNames": null, "deviceMetadataIds": {}, "selectedProductTypes": [],
            "requestedSignatures": "WINDOWS_v100_X64_CO_FULL", "testHarness": ["hlk"], "deviceType": "cloud",
            "links": {"rel": "self"}, "additionalAttributes": [], "announcementDate": false, "message": {"text": "x"}
        });
        let product: Product = read_listed(odd).expect("a product");
        assert_eq!((product.id.0, product.product_name.as_str()), (7, "980"));
        assert_eq!((product.is_committed, product.is_test_sign), (Some(true), Some(false)));
        assert_eq!(product.requested_signatures, ["WINDOWS_v100_X64_CO_FULL"]);
        assert!(product.selected_product_types.is_empty());
        assert_eq!(product.source_publisher_id, None);
        let shown = serde_json::to_value(&product).expect("JSON");
        assert_eq!(shown["sourcePublisherId"], -1, "what cannot be read is shown as it came: {shown}");
        assert_eq!(shown["testHarness"], json!(["hlk"]));
    }

    #[test]
    fn entry_without_id_or_name_is_refused_by_name() {
        let refused = |value: Value| read_listed::<Submission>(value).expect_err("refused");
        assert_eq!(refused(json!({"id": 7})), "(id 7) has no readable name");
        assert_eq!(refused(json!({"id": 7, "name": {"x": 1}})), "(id 7) has no readable name");
        assert_eq!(refused(json!({"id": 7, "name": " "})), "(id 7, ` `) has no readable name");
        assert_eq!(refused(json!({"name": "n"})), "(`n`) has no readable id");
        assert_eq!(refused(json!({"name": "n", "id": null, "links": 5})), "(`n`) has no readable id");
        assert_eq!(refused(json!({"name": "n", "id": 1.5})), "(id 1.5, `n`) has no readable id");
        assert_eq!(refused(json!(null)), "is not an object");
        assert_eq!(
            read_listed::<Audience>(json!({"name": "n"})).expect_err("refused"),
            "(`n`) has no readable id"
        );
        read_listed::<Asset>(json!({"id": "a"})).expect("assets have no names");
    }

    #[test]
    fn label_and_submission_with_odd_fields_are_read() {
        let label: ShippingLabel = read_listed(json!({
            "id": 7, "name": "n", "productId": "x", "destination": {}, "workflowStatus": {"state": "failed", "messages": {"a": 1}},
            "publishingSpecifications": {"isDisclosureRestricted": "true", "visibleToAccounts": null, "goLiveDate": 5},
            "targeting": [], "recipientSpecifications": []
        }))
        .expect("a label");
        assert!(label.is_failed());
        assert_eq!(label.publishing_specifications.expect("specs").is_disclosure_restricted, Some(true));
        let submission: Submission = read(json!({
            "id": 7, "commitStatus": 5, "downloads": [], "workflowStatus": "done", "isUniversal": "no", "type": null
        }))
        .expect("a submission");
        assert!(submission.downloads.is_empty() && !submission.is_failed());
    }
}
