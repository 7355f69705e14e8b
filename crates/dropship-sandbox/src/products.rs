//! Products.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

use super::app::{App, Caller};
use super::lock;
use super::paging::{self, Page};
use super::reply::{Code, Fail, Reply};
use super::sharing;
use super::state::{Product, World};
use super::views;
use super::workflow;

/// What a field becomes when it is not sent.
type Default = fn() -> Value;

/// The fields of a new product with what an absent one becomes; `null` stays absent.
const FIELDS: &[(&str, Default)] = &[
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

/// What may be changed later.
const CHANGEABLE: &[&str] = &["announcementDate", "marketingNames", "productName"];

/// `GET /products`
pub(super) fn list(app: &App, caller: &Caller, query: &str) -> Result<Reply, Fail> {
    let page = Page::of(app, query)?;
    let mut world = lock(&app.world);
    sharing::deliver(app, &mut world, &caller.account);
    let own: Vec<&Product> =
        world.products.values().filter(|product| product.owner == caller.account).collect();
    paging::paged(app, caller, "products", page, own.len(), |at| {
        own.get(at).map_or(Value::Null, |held| views::product(caller, held))
    })
}

/// `GET /products/{pid}`
pub(super) fn get(app: &App, caller: &Caller, pid: u64) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    sharing::deliver(app, &mut world, &caller.account);
    let product = world.product(&caller.account, pid)?;
    Ok(Reply::Json(200, views::product(caller, product)))
}

/// `POST /products`
pub(super) fn create(app: &App, caller: &Caller, body: &Value) -> Result<Reply, Fail> {
    let sent = object(body)?;
    validate(sent)?;
    let mut fields = Map::new();
    for (name, default) in FIELDS {
        let value = value_of(sent, name).filter(|value| !value.is_null()).cloned().unwrap_or_else(default);
        let value = match *name {
            "testHarness" | "deviceType" => json!(canonical(value.as_str().unwrap_or_default())),
            "announcementDate" => value.as_str().map_or(Value::Null, |date| json!(with_zone(date))),
            _ => value,
        };
        if !value.is_null() {
            fields.insert((*name).to_owned(), value);
        }
    }
    let mut world = lock(&app.world);
    let pid = add(app, &mut world, &caller.account, fields);
    let product = world.product(&caller.account, pid)?;
    Ok(Reply::Json(201, views::product(caller, product)))
}

/// Adds a product with these fields.
pub(super) fn add(app: &App, world: &mut World, account: &str, fields: Map<String, Value>) -> u64 {
    let now = app.clock.wall();
    let (id, shared_id) = (world.ids.product(), world.ids.long());
    let product = Product {
        id,
        shared_id,
        owner: account.to_owned(),
        fields,
        created: now,
        updated: now,
        origin: None,
        read_only: false,
        inbox: false,
        submissions: BTreeMap::new(),
    };
    world.products.insert(id, product);
    id
}

/// `PATCH /products/{pid}`
pub(super) fn update(app: &App, caller: &Caller, pid: u64, body: &Value) -> Result<Reply, Fail> {
    let sent = object(body)?;
    let mut world = lock(&app.world);
    let now = app.clock.work();
    let product = world.product(&caller.account, pid)?;
    let fixed: Vec<_> = sent
        .keys()
        .filter(|key| !CHANGEABLE.iter().any(|known| known.eq_ignore_ascii_case(key)))
        .map(|key| (key.clone(), "The property cannot be updated.".to_owned()))
        .collect();
    if !fixed.is_empty() {
        return Err(Fail::invalid(fixed));
    }
    if CHANGEABLE.iter().all(|name| value_of(sent, name).is_none_or(Value::is_null)) {
        return Err(Fail::field("product", "At least one property is required for update."));
    }
    if product.origin.is_some() {
        return Err(Fail::api(Code::UpdateUnauthorized, "Not authorized to update the product."));
    }
    if !product.submissions.values().any(|sub| !sub.derived) {
        let message = "Can't update product without an initial submission.";
        return Err(Fail::api(Code::UpdateUnauthorized, message));
    }
    let progress =
        product.submissions.values().filter_map(|sub| workflow::submission(sub, now, &app.options));
    let (mut running, mut ingested) = (false, false);
    for progress in progress {
        if progress.failed.is_some() {
            let message = "Can't update product because the workflow has failed.";
            return Err(Fail::api(Code::UpdateUnauthorized, message));
        }
        running |= !progress.is_done();
        ingested |= progress.is_done();
    }
    if value_of(sent, "productName").is_some() && running {
        return Err(Fail::api(
            Code::UpdateUnauthorized,
            "Product Name can't be updated at this time. Try again.",
        ));
    }
    if value_of(sent, "announcementDate").is_some() && ingested {
        let message = "Announcement date can't be updated after the ingestion is completed.";
        return Err(Fail::api(Code::UpdateUnauthorized, message));
    }
    for name in CHANGEABLE {
        if let Some(value) = value_of(sent, name) {
            let wrong = match *name {
                "productName" => value.as_str().is_none_or(|name| name.trim().is_empty()),
                "marketingNames" => !is_text_list(value),
                _ => value.as_str().is_none_or(|date| !is_date(date)),
            };
            if wrong {
                return Err(Fail::field(name, format!("The {name} field is invalid.")));
            }
            let value = if *name == "announcementDate" {
                json!(with_zone(value.as_str().unwrap_or_default()))
            } else {
                value.clone()
            };
            product.fields.insert((*name).to_owned(), value);
        }
    }
    product.updated = app.clock.wall();
    Ok(Reply::Empty(204))
}

/// A body that must be an object.
pub(super) fn object(body: &Value) -> Result<&Map<String, Value>, Fail> {
    body.as_object().ok_or_else(|| Fail::field("body", "The request body must be a JSON object."))
}

/// A field by name; names are read without regard to case.
pub(super) fn value_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn validate(sent: &Map<String, Value>) -> Result<(), Fail> {
    let mut wrong = Vec::new();
    let mut blame = |target: &str, message: String| wrong.push((target.to_owned(), message));
    let text = |name: &str| value_of(sent, name).and_then(Value::as_str).unwrap_or_default();
    if text("productName").trim().is_empty() {
        blame("productName", "The productName field is required.".to_owned());
    }
    let one_of =
        |name: &str, known: &[&str]| known.iter().any(|value| value.eq_ignore_ascii_case(text(name)));
    if !one_of("testHarness", &["hlk", "hck", "attestation", "notset"]) {
        blame("testHarness", format!("The test harness `{}` is invalid.", text("testHarness")));
    }
    if value_of(sent, "deviceType").is_some_and(|value| !value.is_null())
        && !one_of("deviceType", &["internal", "external", "internalExternal", "notSet"])
    {
        blame("deviceType", format!("The device type `{}` is invalid.", text("deviceType")));
    }
    if value_of(sent, "announcementDate").is_some_and(|value| !value.is_null())
        && !is_date(text("announcementDate"))
    {
        blame("announcementDate", "The announcementDate field is invalid.".to_owned());
    }
    for name in ["marketingNames", "requestedSignatures", "deviceMetadataIds"] {
        if value_of(sent, name).is_some_and(|value| !value.is_null() && !is_text_list(value)) {
            blame(name, format!("The {name} field must be a list of texts."));
        }
    }
    for name in ["isTestSign", "isFlightSign"] {
        if value_of(sent, name).is_some_and(|value| !value.is_null() && !value.is_boolean()) {
            blame(name, format!("The {name} field must be true or false."));
        }
    }
    let is_text_map = |value: &Value| value.as_object().is_some_and(|map| map.values().all(Value::is_string));
    if value_of(sent, "selectedProductTypes").is_some_and(|value| !value.is_null() && !is_text_map(value)) {
        blame(
            "selectedProductTypes",
            "The selectedProductTypes field must map families to product types.".to_owned(),
        );
    }
    let codes = value_of(sent, "requestedSignatures").and_then(Value::as_array);
    for code in codes.into_iter().flatten().filter_map(Value::as_str) {
        // The list of codes is open; x86 has no tag, and everything else that is met begins alike.
        let upper = code.to_ascii_uppercase();
        if !upper.starts_with("WINDOWS_") || upper.split('_').any(|part| part == "X86") {
            blame("requestedSignatures", format!("The OS code `{code}` is invalid."));
        }
    }
    let held = value_of(sent, "additionalAttributes").and_then(Value::as_object);
    if held.is_some_and(|held| held.values().filter(|value| !value.is_null()).count() > 1) {
        blame("additionalAttributes", "At most one kind of additional attributes is allowed.".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fail::invalid(wrong)) }
}

fn is_text_list(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
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
    ["hlk", "hck", "attestation", "notset", "internal", "external", "internalExternal", "notSet"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(text))
        .map_or_else(|| text.to_owned(), str::to_owned)
}
