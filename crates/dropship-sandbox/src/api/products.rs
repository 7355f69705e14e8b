//! Products.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use crate::api::json::{is_text_list, items, object, part, present, text, value_of};
use crate::api::paging::{self, PageRange};
use crate::api::sharing;
use crate::api::views;
use crate::app::{ApiCaller, App};
use crate::lock::lock;
use crate::options::Options;
use crate::reply::{ErrorCode, ErrorReply, Reply};
use crate::state::{Product, ServiceState};
use crate::workflow;

/// The default of a field.
type FieldDefault = fn() -> Value;

/// The fields of a new product with their defaults; a field whose default is `null` stays absent.
const FIELDS: &[(&str, FieldDefault)] = &[
    ("productName", || Value::Null),
    ("testHarness", || Value::Null),
    ("announcementDate", || Value::Null),
    ("deviceMetadataIds", || json!([])),
    ("firmwareVersion", || json!("")),
    ("deviceType", || json!("notSet")),
    ("isTestSign", || json!(false)),
    ("isFlightSign", || json!(false)),
    ("marketingNames", || json!([])),
    ("selectedProductTypes", || json!({})),
    ("requestedSignatures", || json!([])),
    ("additionalAttributes", || json!({})),
    ("packageType", || Value::Null),
];

/// Valid test harnesses.
const HARNESSES: &[&str] = &["hlk", "hck", "attestation", "notset"];

/// Valid device types.
const DEVICE_TYPES: &[&str] = &["internal", "external", "internalExternal", "notSet"];

/// Fields that can be changed after the creation.
const CHANGEABLE: &[&str] = &["announcementDate", "marketingNames", "productName"];

/// `GET /products`
pub(crate) fn list(app: &App, caller: &ApiCaller, query: &str) -> Result<Reply, ErrorReply> {
    let page = PageRange::of(app, query)?;
    let mut state = lock(&app.state);
    sharing::deliver(app, &mut state, &caller.account);
    let products: Vec<&Product> =
        state.products.values().filter(|product| product.owner == caller.account).collect();
    paging::paged(app, caller, "products", page, products.len(), |at| {
        products.get(at).map_or(Value::Null, |product| views::product(caller, product))
    })
}

/// `GET /products/{pid}`
pub(crate) fn get(app: &App, caller: &ApiCaller, pid: u64) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    sharing::deliver(app, &mut state, &caller.account);
    let product = state.product(&caller.account, pid)?;
    Ok(Reply::Json(200, views::product(caller, product)))
}

/// `POST /products`
pub(crate) fn create(app: &App, caller: &ApiCaller, body: &Value) -> Result<Reply, ErrorReply> {
    let sent = object(body)?;
    validate(sent)?;
    let mut fields = Map::new();
    for (name, default) in FIELDS {
        let value = present(sent, name).cloned().unwrap_or_else(default);
        let value = match *name {
            "testHarness" | "deviceType" => json!(canonical(value.as_str().unwrap_or_default())),
            "announcementDate" => value.as_str().map_or(Value::Null, |date| json!(with_zone(date))),
            _ => value,
        };
        if !value.is_null() {
            fields.insert((*name).to_owned(), value);
        }
    }
    let mut state = lock(&app.state);
    let pid = add(app, &mut state, &caller.account, fields);
    let product = state.product(&caller.account, pid)?;
    Ok(Reply::Json(201, views::product(caller, product)))
}

/// Adds a product with these fields.
pub(crate) fn add(app: &App, state: &mut ServiceState, account: &str, fields: Map<String, Value>) -> u64 {
    let now = app.clock.wall();
    let (id, shared_id) = (state.ids.product(), state.ids.long());
    let product = Product {
        id,
        shared_id,
        owner: account.to_owned(),
        fields,
        created: now,
        updated: now,
        origin: None,
        is_read_only: false,
        is_inbox: false,
        submissions: BTreeMap::new(),
    };
    state.products.insert(id, product);
    id
}

/// `PATCH /products/{pid}`
pub(crate) fn update(app: &App, caller: &ApiCaller, pid: u64, body: &Value) -> Result<Reply, ErrorReply> {
    let sent = object(body)?;
    let mut state = lock(&app.state);
    let now = app.clock.work();
    let product = state.product(&caller.account, pid)?;
    require_changeable(sent)?;
    require_state_for_update(product, sent, now, &app.options)?;
    for name in CHANGEABLE {
        if let Some(value) = value_of(sent, name) {
            product.fields.insert((*name).to_owned(), changed_value(name, value)?);
        }
    }
    product.updated = app.clock.wall();
    Ok(Reply::Empty(204))
}

/// Rejects fields that cannot be changed, and an update without any field.
fn require_changeable(sent: &Map<String, Value>) -> Result<(), ErrorReply> {
    let fixed: Vec<_> = sent
        .keys()
        .filter(|key| !CHANGEABLE.iter().any(|known| known.eq_ignore_ascii_case(key)))
        .map(|key| (key.clone(), "The property cannot be updated.".to_owned()))
        .collect();
    if !fixed.is_empty() {
        return Err(ErrorReply::invalid(fixed));
    }
    if CHANGEABLE.iter().all(|name| present(sent, name).is_none()) {
        return Err(ErrorReply::field("product", "At least one property is required for update."));
    }
    Ok(())
}

/// Rejects an update that the progress of the product's submissions does not permit.
fn require_state_for_update(
    product: &Product,
    sent: &Map<String, Value>,
    now: Duration,
    options: &Options,
) -> Result<(), ErrorReply> {
    let unauthorized = |message: &str| Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message));
    if product.origin.is_some() {
        return unauthorized("Not authorized to update the product.");
    }
    if !product.submissions.values().any(|sub| !sub.is_derived) {
        return unauthorized("Can't update product without an initial submission.");
    }
    let (mut is_running, mut is_ingested) = (false, false);
    for progress in product.submissions.values().filter_map(|sub| workflow::submission(sub, now, options)) {
        if progress.failed.is_some() {
            return unauthorized("Can't update product because the workflow has failed.");
        }
        is_running |= !progress.is_done();
        is_ingested |= progress.is_done();
    }
    if value_of(sent, "productName").is_some() && is_running {
        return unauthorized("Product Name can't be updated at this time. Try again.");
    }
    if value_of(sent, "announcementDate").is_some() && is_ingested {
        return unauthorized("Announcement date can't be updated after the ingestion is completed.");
    }
    Ok(())
}

/// The value that an update stores in a field.
fn changed_value(name: &str, value: &Value) -> Result<Value, ErrorReply> {
    let is_valid = match name {
        "productName" => value.as_str().is_some_and(|name| !name.trim().is_empty()),
        "marketingNames" => is_text_list(value),
        _ => value.as_str().is_some_and(is_date),
    };
    if !is_valid {
        return Err(ErrorReply::field(name, format!("The {name} field is invalid.")));
    }
    Ok(match value.as_str() {
        Some(date) if name == "announcementDate" => json!(with_zone(date)),
        _ => value.clone(),
    })
}

/// Validates the request to create a product; reports all invalid fields at once.
fn validate(sent: &Map<String, Value>) -> Result<(), ErrorReply> {
    let mut invalid = InvalidFields(Vec::new());
    if text(sent, "productName").trim().is_empty() {
        invalid.add("productName", "The productName field is required.");
    }
    if !is_one_of(text(sent, "testHarness"), HARNESSES) {
        invalid.add("testHarness", format!("The test harness `{}` is invalid.", text(sent, "testHarness")));
    }
    if present(sent, "deviceType").is_some() && !is_one_of(text(sent, "deviceType"), DEVICE_TYPES) {
        invalid.add("deviceType", format!("The device type `{}` is invalid.", text(sent, "deviceType")));
    }
    if present(sent, "announcementDate").is_some() && !is_date(text(sent, "announcementDate")) {
        invalid.add("announcementDate", "The announcementDate field is invalid.");
    }
    validate_types(sent, &mut invalid);
    for code in items(sent, "requestedSignatures").iter().filter_map(Value::as_str) {
        // The list of codes is open. Codes for x86 have no architecture tag, and all known codes start with WINDOWS_.
        let upper = code.to_ascii_uppercase();
        if !upper.starts_with("WINDOWS_") || upper.split('_').any(|part| part == "X86") {
            invalid.add("requestedSignatures", format!("The OS code `{code}` is invalid."));
        }
    }
    let attributes = part(sent, "additionalAttributes");
    if attributes.is_some_and(|map| map.values().filter(|value| !value.is_null()).count() > 1) {
        invalid.add("additionalAttributes", "At most one kind of additional attributes is allowed.");
    }
    if invalid.0.is_empty() { Ok(()) } else { Err(ErrorReply::invalid(invalid.0)) }
}

/// Checks the JSON types of the optional fields.
fn validate_types(sent: &Map<String, Value>, invalid: &mut InvalidFields) {
    for name in ["marketingNames", "requestedSignatures", "deviceMetadataIds"] {
        if present(sent, name).is_some_and(|value| !is_text_list(value)) {
            invalid.add(name, format!("The {name} field must be a list of texts."));
        }
    }
    for name in ["isTestSign", "isFlightSign"] {
        if present(sent, name).is_some_and(|value| !value.is_boolean()) {
            invalid.add(name, format!("The {name} field must be true or false."));
        }
    }
    let is_text_map = |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
    if present(sent, "selectedProductTypes").is_some_and(|value| !is_text_map(value)) {
        let message = "The selectedProductTypes field must map families to product types.";
        invalid.add("selectedProductTypes", message);
    }
}

/// Invalid fields with their messages.
struct InvalidFields(Vec<(String, String)>);

impl InvalidFields {
    fn add(&mut self, target: &str, message: impl Into<String>) {
        self.0.push((target.to_owned(), message.into()));
    }
}

fn is_one_of(text: &str, known: &[&str]) -> bool {
    known.iter().any(|value| value.eq_ignore_ascii_case(text))
}

/// A date with or without time and zone.
fn is_date(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
}

fn with_zone(date: &str) -> String {
    match date.parse::<DateTime>() {
        Ok(at) if date.parse::<jiff::Timestamp>().is_err() => format!("{at}Z"),
        _ => date.to_owned(),
    }
}

/// `Attestation` to `attestation`, as the service returns it.
fn canonical(text: &str) -> String {
    HARNESSES
        .iter()
        .chain(DEVICE_TYPES)
        .find(|known| known.eq_ignore_ascii_case(text))
        .map_or_else(|| text.to_owned(), |known| (*known).to_owned())
}
