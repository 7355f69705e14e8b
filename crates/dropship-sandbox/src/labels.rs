//! Shipping labels.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::app::{App, Caller};
use super::label_rules::{self, Facts};
use super::lock;
use super::metadata;
use super::paging::{self, Page};
use super::products::{object, value_of};
use super::quirks::Quirk;
use super::reply::{Code, Fail, Reply};
use super::state::{Label, World};
use super::views;
use super::workflow;

/// What a label that has not yet been prepared is answered.
const NOT_READY: &str = "Submission isn't yet ready to create shipping label. Retry after some time.";

fn wants_targeting(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(key, value)| {
        key.eq_ignore_ascii_case("includeTargetingInfo") && value.eq_ignore_ascii_case("true")
    })
}

pub(super) fn find<'a>(
    world: &'a mut World,
    caller: &Caller,
    pid: u64,
    sid: u64,
    lid: u64,
) -> Result<&'a mut Label, Fail> {
    let sub = world.submission(&caller.account, pid, sid)?;
    sub.labels.get_mut(&lid).ok_or_else(|| Fail::not_found("Shipping label not found"))
}

/// `GET …/shippingLabels`
pub(super) fn list(app: &App, caller: &Caller, pid: u64, sid: u64, query: &str) -> Result<Reply, Fail> {
    let page = Page::of(app, query)?;
    let targeting = wants_targeting(query);
    let mut world = lock(&app.world);
    let sub = world.submission(&caller.account, pid, sid)?;
    let items: Vec<Value> =
        sub.labels.values().map(|label| views::label(app, caller, pid, sid, label, targeting)).collect();
    let path = format!("products/{pid}/submissions/{sid}/shippingLabels");
    if app.has(Quirk::PageEveryList) {
        return paging::paged(app, caller, &path, page, items.len(), |at| {
            items.get(at).cloned().unwrap_or_default()
        });
    }
    Ok(paging::whole(caller, &path, &items))
}

/// `GET …/shippingLabels/{lid}`
pub(super) fn get(
    app: &App,
    caller: &Caller,
    pid: u64,
    sid: u64,
    lid: u64,
    query: &str,
) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    let label = find(&mut world, caller, pid, sid, lid)?;
    Ok(Reply::Json(200, views::label(app, caller, pid, sid, label, wants_targeting(query))))
}

/// The metadata that a label's targeting is held to, or why there can be no label yet.
pub(super) fn ready_metadata(
    app: &App,
    world: &mut World,
    caller: &Caller,
    pid: u64,
    sid: u64,
) -> Result<Value, Fail> {
    let now = app.clock.work();
    let product = world.product(&caller.account, pid)?;
    let codes = product.signatures();
    let sub = product.submission(sid)?;
    let progress = workflow::submission(sub, now, &app.options).ok_or_else(|| Fail::state(NOT_READY))?;
    if progress.failed.is_some() {
        return Err(Fail::api(Code::UpdateUnauthorized, "The workflow of the submission failed."));
    }
    if !workflow::offers_metadata(sub, &progress, now, &app.options) {
        return Err(Fail::state(NOT_READY));
    }
    let analysis = sub.analysis.get().map(Arc::clone).ok_or_else(|| Fail::state(NOT_READY))?;
    // Bundle ids follow from the submission whose blob the metadata is; a receiver reads the sender's.
    let source = product.origin.as_ref().map_or(sid, |origin| origin.submission);
    Ok(metadata::build(&analysis, &codes, source, app.quirks()))
}

/// `POST …/shippingLabels`
pub(super) fn create(app: &App, caller: &Caller, pid: u64, sid: u64, body: &Value) -> Result<Reply, Fail> {
    let sent = object(body)?;
    let mut world = lock(&app.world);
    let product = world.product(&caller.account, pid)?;
    product.submission(sid)?;
    let sharing = value_of(sent, "destination")
        .and_then(Value::as_str)
        .is_some_and(|to| to.eq_ignore_ascii_case("anotherPartner"));
    if product.read_only {
        let message = "Not allowed to create the shipping labels on a read only product";
        return Err(Fail::api(Code::ReadOnlyProduct, message));
    }
    if product.inbox && !sharing {
        let message = "Can't create Publishing shipping label for inbox or system type. One can only share the shipping label.";
        return Err(Fail::state(message));
    }
    if product.origin.is_some() && sharing {
        return Err(Fail::api(Code::UpdateUnauthorized, "A shared submission can't be shared again."));
    }
    let attestation = product.is_attestation();
    let metadata = ready_metadata(app, &mut world, caller, pid, sid)?;
    let sub = world.submission(&caller.account, pid, sid)?;
    let extension =
        sub.analysis.get().is_some_and(|analysis| analysis.infs.iter().any(|held| held.inf.is_extension()));
    let facts = Facts {
        account: &caller.account,
        attestation,
        extension,
        metadata: &metadata,
        strict_floors: app.has(Quirk::StrictFloors),
    };
    label_rules::check(sent, &facts)?;
    let lid = world.ids.long();
    let label = new_label(app, lid, sent);
    let answer = views::label(app, caller, pid, sid, &label, false);
    world.submission(&caller.account, pid, sid)?.labels.insert(lid, label);
    Ok(Reply::Json(201, answer))
}

fn new_label(app: &App, id: u64, sent: &Map<String, Value>) -> Label {
    let mut fields = Map::new();
    for name in ["publishingSpecifications", "recipientSpecifications", "name", "destination"] {
        if let Some(value) = value_of(sent, name).filter(|value| !value.is_null()) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let destination = fields.get("destination").and_then(Value::as_str).unwrap_or_default();
    let destination =
        ["windowsUpdate", "anotherPartner"].into_iter().find(|known| known.eq_ignore_ascii_case(destination));
    fields.insert("destination".to_owned(), json!(destination));
    let mut targeting = value_of(sent, "targeting").and_then(Value::as_object).cloned().unwrap_or_default();
    for list in ["hardwareIds", "chids"] {
        let Some(Value::Array(items)) = targeting.get_mut(list) else {
            continue;
        };
        for item in items.iter_mut().filter(|item| item.is_object()) {
            item["distributionState"] = json!("pendingAdd");
        }
    }
    Label {
        id,
        created: app.clock.wall(),
        fields,
        targeting,
        began: app.clock.work(),
        approved: None,
        rolled_out: None,
        cancelled: None,
        refused: None,
    }
}

/// `PUT …/shippingLabels/{lid}/cancel`
pub(super) fn cancel(app: &App, caller: &Caller, pid: u64, sid: u64, lid: u64) -> Result<Reply, Fail> {
    let mut world = lock(&app.world);
    let now = app.clock.work();
    let label = find(&mut world, caller, pid, sid, lid)?;
    if label.is_sharing() {
        return Err(Fail::state("A shared shipping label can't be cancelled."));
    }
    if label.cancelled.is_some() {
        return Err(Fail::state("The shipping label is being cancelled already."));
    }
    let progress = workflow::label(label, now, &app.options);
    // Approval, or the rollout that shows as publishing.
    if !matches!(progress.step, "microsoftApproval" | "publishing") || progress.failed.is_some() {
        let message =
            "The shipping label can be cancelled only during Microsoft Approval or Gradual Rollout.";
        return Err(Fail::state(message));
    }
    label.cancelled = Some(now);
    Ok(Reply::Empty(204))
}
