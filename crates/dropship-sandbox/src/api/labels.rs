//! Shipping labels.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::api::json::{object, value_of};
use crate::api::label_rules::{self, LabelContext};
use crate::api::paging::{self, PageRange};
use crate::api::views;
use crate::app::{ApiCaller, App};
use crate::lock::lock;
use crate::package::metadata;
use crate::quirks::Quirk;
use crate::reply::{ErrorCode, ErrorReply, Reply};
use crate::state::{Label, ServiceState};
use crate::workflow;

/// The documented message while a submission cannot have labels yet.
const NOT_READY: &str = "Submission isn't yet ready to create shipping label. Retry after some time.";

fn wants_targeting(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(key, value)| {
        key.eq_ignore_ascii_case("includeTargetingInfo") && value.eq_ignore_ascii_case("true")
    })
}

pub(crate) fn find<'a>(
    state: &'a mut ServiceState,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    lid: u64,
) -> Result<&'a mut Label, ErrorReply> {
    let sub = state.submission(&caller.account, pid, sid)?;
    sub.labels.get_mut(&lid).ok_or_else(|| ErrorReply::not_found("Shipping label not found"))
}

/// `GET …/shippingLabels`
pub(crate) fn list(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    query: &str,
) -> Result<Reply, ErrorReply> {
    let page = PageRange::of(app, query)?;
    let targeting = wants_targeting(query);
    let mut state = lock(&app.state);
    let sub = state.submission(&caller.account, pid, sid)?;
    let items: Vec<Value> =
        sub.labels.values().map(|label| views::label(app, caller, pid, sid, label, targeting)).collect();
    let path = format!("products/{pid}/submissions/{sid}/shippingLabels");
    if app.has(Quirk::PageEveryList) {
        return paging::paged(app, caller, &path, page, items.len(), |at| {
            items.get(at).cloned().unwrap_or_default()
        });
    }
    Ok(paging::complete(caller, &path, &items))
}

/// `GET …/shippingLabels/{lid}`
pub(crate) fn get(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    lid: u64,
    query: &str,
) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    let label = find(&mut state, caller, pid, sid, lid)?;
    Ok(Reply::Json(200, views::label(app, caller, pid, sid, label, wants_targeting(query))))
}

/// The driver metadata that a label can target.
///
/// # Errors
/// When the submission cannot have labels yet.
pub(crate) fn ready_metadata(
    app: &App,
    state: &mut ServiceState,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
) -> Result<Value, ErrorReply> {
    let now = app.clock.work();
    let product = state.product(&caller.account, pid)?;
    let codes = product.signatures();
    let sub = product.submission(sid)?;
    let progress =
        workflow::submission(sub, now, &app.options).ok_or_else(|| ErrorReply::wrong_state(NOT_READY))?;
    if progress.failed.is_some() {
        return Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, "The workflow of the submission failed."));
    }
    if !workflow::offers_metadata(sub, &progress, now, &app.options) {
        return Err(ErrorReply::wrong_state(NOT_READY));
    }
    let analysis = sub.facts.get().map(Arc::clone).ok_or_else(|| ErrorReply::wrong_state(NOT_READY))?;
    // Bundle ids are derived from the original submission; a receiver of a shared submission gets the same ids.
    let source = product.origin.as_ref().map_or(sid, |origin| origin.submission);
    Ok(metadata::build(&analysis, &codes, source, app.quirks()))
}

/// `POST …/shippingLabels`
pub(crate) fn create(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    body: &Value,
) -> Result<Reply, ErrorReply> {
    let sent = object(body)?;
    let mut state = lock(&app.state);
    let product = state.product(&caller.account, pid)?;
    product.submission(sid)?;
    let sharing = value_of(sent, "destination")
        .and_then(Value::as_str)
        .is_some_and(|to| to.eq_ignore_ascii_case("anotherPartner"));
    if product.is_read_only {
        let message = "Not allowed to create the shipping labels on a read only product";
        return Err(ErrorReply::api(ErrorCode::ReadOnlyProduct, message));
    }
    if product.is_inbox && !sharing {
        let message = "Can't create Publishing shipping label for inbox or system type. One can only share the shipping label.";
        return Err(ErrorReply::wrong_state(message));
    }
    if product.origin.is_some() && sharing {
        return Err(ErrorReply::api(
            ErrorCode::UpdateUnauthorized,
            "A shared submission can't be shared again.",
        ));
    }
    let is_attestation = product.is_attestation();
    let metadata = ready_metadata(app, &mut state, caller, pid, sid)?;
    let sub = state.submission(&caller.account, pid, sid)?;
    let is_extension = sub.is_extension();
    let facts = LabelContext {
        account: &caller.account,
        is_attestation,
        is_extension,
        metadata: &metadata,
        has_strict_floors: app.has(Quirk::StrictFloors),
    };
    label_rules::check(sent, &facts)?;
    let lid = state.ids.long();
    let label = new_label(app, lid, sent);
    let answer = views::label(app, caller, pid, sid, &label, false);
    state.submission(&caller.account, pid, sid)?.labels.insert(lid, label);
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
pub(crate) fn cancel(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    lid: u64,
) -> Result<Reply, ErrorReply> {
    let mut state = lock(&app.state);
    let now = app.clock.work();
    let label = find(&mut state, caller, pid, sid, lid)?;
    if label.is_sharing() {
        return Err(ErrorReply::wrong_state("A shared shipping label can't be cancelled."));
    }
    if label.cancelled.is_some() {
        return Err(ErrorReply::wrong_state("The shipping label is being cancelled already."));
    }
    let progress = workflow::label(label, now, &app.options);
    // A gradual rollout is reported as step `publishing`.
    if !matches!(progress.step, "microsoftApproval" | "publishing") || progress.failed.is_some() {
        let message =
            "The shipping label can be cancelled only during Microsoft Approval or Gradual Rollout.";
        return Err(ErrorReply::wrong_state(message));
    }
    label.cancelled = Some(now);
    Ok(Reply::Empty(204))
}
