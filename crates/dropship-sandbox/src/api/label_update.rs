//! Updates of shipping labels: ids are added and removed, other fields are overwritten.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::api::json::{object, part, present, value_of};
use crate::api::label_rules::{self, LabelContext, Violations};
use crate::api::labels::{find, ready_metadata};
use crate::app::{ApiCaller, App};
use crate::lock::lock;
use crate::options::Options;
use crate::quirks::Quirk;
use crate::reply::{ErrorCode, ErrorReply, Reply};
use crate::state::Label;
use crate::workflow;

/// The documented message for an update while a workflow is in progress.
const LOCKED: &str = "Can't update the shipping label when another workflow is in progress. Try again.";

/// Fields of the targeting that can be changed.
const TARGETING: &[&str] = &[
    "hardwareIds",
    "chids",
    "restrictedToAudiences",
    "inServicePublishInfo",
    "coEngDriverPublishInfo",
    "businessJustification",
];

/// Fields of the recipient that can be changed.
const RECIPIENT: &[&str] = &["enforceChidTargeting", "blockDuaCreation"];

/// `PATCH …/shippingLabels/{lid}`
pub(crate) fn update(
    app: &App,
    caller: &ApiCaller,
    pid: u64,
    sid: u64,
    lid: u64,
    body: &Value,
) -> Result<Reply, ErrorReply> {
    let empty = Map::new();
    let body = object(body)?;
    // The key is `targeting`; the service's own messages call it `targetingInfo`.
    let sent = part(body, "targeting").unwrap_or(&empty);
    let recipient = part(body, "recipientSpecifications").unwrap_or(&empty);
    let mut state = lock(&app.state);
    let now = app.clock.work();
    let label = find(&mut state, caller, pid, sid, lid)?;
    require_changes(label, sent, recipient)?;
    require_finished(label, now, &app.options)?;
    let before = label.targeting.clone();
    let metadata = ready_metadata(app, &mut state, caller, pid, sid)?;
    let after = updated_targeting(&before, sent)?;
    let facts = LabelContext {
        account: &caller.account,
        is_attestation: false,
        is_extension: false,
        metadata: &metadata,
        has_strict_floors: app.has(Quirk::StrictFloors),
    };
    let mut violations = Violations::default();
    label_rules::check_targeting(&mut violations, &after, &facts)?;
    violations.into_result()?;
    let label = find(&mut state, caller, pid, sid, lid)?;
    label.targeting = after;
    if let Some(specifications) =
        label.fields.get_mut("recipientSpecifications").and_then(Value::as_object_mut)
    {
        for name in RECIPIENT {
            specifications.extend(value_of(recipient, name).map(|value| ((*name).to_owned(), value.clone())));
        }
    }
    // An update starts the workflow of the label again.
    label.began = now;
    label.approved = None;
    label.rolled_out = None;
    Ok(Reply::Empty(204))
}

/// Rejects an update that changes nothing, or that changes the receiver.
fn require_changes(
    label: &Label,
    sent: &Map<String, Value>,
    recipient: &Map<String, Value>,
) -> Result<(), ErrorReply> {
    if value_of(recipient, "receiverPublisherId").is_some_and(|id| !is_receiver(label, id)) {
        let message = "ReceiverPublisherId cannot be changed after creation.";
        return Err(ErrorReply::field("recipientSpecifications.receiverPublisherId", message));
    }
    let has_any = |map, names: &[&str]| names.iter().any(|name| present(map, name).is_some());
    if has_any(sent, TARGETING) || has_any(recipient, RECIPIENT) {
        return Ok(());
    }
    let message = "At least one property is required for update.";
    let targets = ["chids", "hardwareIds", "restrictedToAudiences"];
    Err(ErrorReply::invalid(targets.map(|name| (format!("targetingInfo.{name}"), message.to_owned())).into()))
}

/// Rejects an update while the label's workflow is in progress or after it has failed.
fn require_finished(label: &Label, now: Duration, options: &Options) -> Result<(), ErrorReply> {
    let progress = workflow::label(label, now, options);
    if progress.failed.is_some() {
        let message = "Can't update the shipping label since the workflows have failed.";
        return Err(ErrorReply::api(ErrorCode::UpdateUnauthorized, message));
    }
    if !progress.is_done() {
        return Err(ErrorReply::api(ErrorCode::InvalidInput, LOCKED));
    }
    Ok(())
}

/// Whether an id is the id of the label's receiver.
fn is_receiver(label: &Label, id: &Value) -> bool {
    label
        .fields
        .get("recipientSpecifications")
        .is_some_and(|specifications| specifications["receiverPublisherId"] == *id)
}

/// The targeting after an update.
fn updated_targeting(
    before: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, ErrorReply> {
    let mut after = before.clone();
    for (list, keys) in [
        ("hardwareIds", &["bundleId", "infId", "operatingSystemCode", "pnpString"][..]),
        ("chids", &["chid"][..]),
    ] {
        let Some(changes) = value_of(sent, list).and_then(Value::as_array) else {
            continue;
        };
        // Ids that the previous update removed are gone by now.
        let ids = after.remove(list).and_then(|ids| ids.as_array().cloned()).unwrap_or_default();
        let mut ids: Vec<Value> =
            ids.into_iter().filter(|item| item["distributionState"] != "pendingRemove").collect();
        for change in changes {
            apply(&mut ids, change, list, keys)?;
        }
        after.insert(list.to_owned(), Value::Array(ids));
    }
    for name in ["restrictedToAudiences", "inServicePublishInfo", "coEngDriverPublishInfo"] {
        if let Some(value) = value_of(sent, name) {
            after.insert(name.to_owned(), value.clone());
        }
    }
    Ok(after)
}

fn apply(ids: &mut Vec<Value>, change: &Value, list: &str, keys: &[&str]) -> Result<(), ErrorReply> {
    let target = format!("targetingInfo.{list}");
    let is_same = |item: &Value| {
        keys.iter().all(|key| {
            let text = |value: &Value| value[*key].as_str().unwrap_or_default().to_ascii_lowercase();
            text(item) == text(change)
        })
    };
    match change["action"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "add" => {
            if !ids.iter().any(&is_same) {
                let mut item = change.clone();
                if let Some(item) = item.as_object_mut() {
                    item.remove("action");
                    item.insert("distributionState".to_owned(), json!("pendingAdd"));
                }
                ids.push(item);
            }
            Ok(())
        }
        "remove" => match ids.iter_mut().find(|item| is_same(item)) {
            Some(item) => {
                item["distributionState"] = json!("pendingRemove");
                Ok(())
            }
            None => Err(ErrorReply::field(
                &target,
                "What is to be removed is not targeted by the shipping label.",
            )),
        },
        _ => Err(ErrorReply::field(&target, "The action must be add or remove.")),
    }
}
