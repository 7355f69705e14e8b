//! Edits of shipping labels: ids come and go, all else is overwritten, and a lock keeps them apart.

use serde_json::{Map, Value, json};

use super::app::{App, Caller};
use super::label_rules::{self, Facts};
use super::labels::{find, ready_metadata};
use super::lock;
use super::products::{object, value_of};
use super::quirks::Quirk;
use super::reply::{Code, Fail, Reply};
use super::state::Label;
use super::workflow;

/// What an edit is answered while a label is on its way.
const LOCKED: &str = "Can't update the shipping label when another workflow is in progress. Try again.";

/// What may be changed of a label's targeting.
const TARGETING: &[&str] = &[
    "hardwareIds",
    "chids",
    "restrictedToAudiences",
    "inServicePublishInfo",
    "coEngDriverPublishInfo",
    "businessJustification",
];

/// What may be changed of a label's recipient.
const RECIPIENT: &[&str] = &["enforceChidTargeting", "blockDuaCreation"];

/// `PATCH …/shippingLabels/{lid}`
pub(super) fn update(
    app: &App,
    caller: &Caller,
    pid: u64,
    sid: u64,
    lid: u64,
    body: &Value,
) -> Result<Reply, Fail> {
    let empty = Map::new();
    let body = object(body)?;
    let part = |name: &str| value_of(body, name).and_then(Value::as_object).unwrap_or(&empty);
    // The key is `targeting`; the service's own messages say `targetingInfo`.
    let (sent, recipient) = (part("targeting"), part("recipientSpecifications"));
    let holds = |map: &Map<String, Value>, names: &[&str]| {
        names.iter().any(|name| value_of(map, name).is_some_and(|value| !value.is_null()))
    };
    let mut world = lock(&app.world);
    let now = app.clock.work();
    let label = find(&mut world, caller, pid, sid, lid)?;
    if value_of(recipient, "receiverPublisherId").is_some_and(|id| !is_receiver(label, id)) {
        let message = "ReceiverPublisherId cannot be changed after creation.";
        return Err(Fail::field("recipientSpecifications.receiverPublisherId", message));
    }
    if !holds(sent, TARGETING) && !holds(recipient, RECIPIENT) {
        let message = "At least one property is required for update.";
        let targets = ["chids", "hardwareIds", "restrictedToAudiences"];
        return Err(Fail::invalid(
            targets.map(|name| (format!("targetingInfo.{name}"), message.to_owned())).into(),
        ));
    }
    let progress = workflow::label(label, now, &app.options);
    if progress.failed.is_some() {
        let message = "Can't update the shipping label since the workflows have failed.";
        return Err(Fail::api(Code::UpdateUnauthorized, message));
    }
    if !progress.is_done() {
        return Err(Fail::api(Code::InvalidInput, LOCKED));
    }
    let before = label.targeting.clone();
    let metadata = ready_metadata(app, &mut world, caller, pid, sid)?;
    let after = edited(&before, sent)?;
    let facts = Facts {
        account: &caller.account,
        attestation: false,
        extension: false,
        metadata: &metadata,
        strict_floors: app.has(Quirk::StrictFloors),
    };
    let mut wrongs = Vec::new();
    label_rules::check_targeting(&mut wrongs, &after, &facts)?;
    if !wrongs.is_empty() {
        return Err(Fail::invalid(wrongs));
    }
    let label = find(&mut world, caller, pid, sid, lid)?;
    label.targeting = after;
    if let Some(held) = label.fields.get_mut("recipientSpecifications").and_then(Value::as_object_mut) {
        for name in RECIPIENT {
            held.extend(value_of(recipient, name).map(|value| ((*name).to_owned(), value.clone())));
        }
    }
    // An edit is a workflow of its own.
    label.began = now;
    label.approved = None;
    label.rolled_out = None;
    Ok(Reply::Empty(204))
}

/// Whether an id is that of the label's receiver.
fn is_receiver(label: &Label, id: &Value) -> bool {
    label.fields.get("recipientSpecifications").is_some_and(|held| held["receiverPublisherId"] == *id)
}

/// The targeting after an update: ids are added and removed, all else is overwritten.
fn edited(before: &Map<String, Value>, sent: &Map<String, Value>) -> Result<Map<String, Value>, Fail> {
    let mut after = before.clone();
    for (list, keys) in [
        ("hardwareIds", &["bundleId", "infId", "operatingSystemCode", "pnpString"][..]),
        ("chids", &["chid"][..]),
    ] {
        let Some(changes) = value_of(sent, list).and_then(Value::as_array) else {
            continue;
        };
        // What the last edit took away is gone now.
        let held = after.remove(list).and_then(|held| held.as_array().cloned()).unwrap_or_default();
        let mut held: Vec<Value> =
            held.into_iter().filter(|item| item["distributionState"] != "pendingRemove").collect();
        for change in changes {
            apply(&mut held, change, list, keys)?;
        }
        after.insert(list.to_owned(), Value::Array(held));
    }
    for name in ["restrictedToAudiences", "inServicePublishInfo", "coEngDriverPublishInfo"] {
        if let Some(value) = value_of(sent, name) {
            after.insert(name.to_owned(), value.clone());
        }
    }
    Ok(after)
}

fn apply(held: &mut Vec<Value>, change: &Value, list: &str, keys: &[&str]) -> Result<(), Fail> {
    let target = format!("targetingInfo.{list}");
    let same = |item: &Value| {
        keys.iter().all(|key| {
            let text = |value: &Value| value[*key].as_str().unwrap_or_default().to_ascii_lowercase();
            text(item) == text(change)
        })
    };
    match change["action"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "add" => {
            if !held.iter().any(&same) {
                let mut item = change.clone();
                if let Some(item) = item.as_object_mut() {
                    item.remove("action");
                    item.insert("distributionState".to_owned(), json!("pendingAdd"));
                }
                held.push(item);
            }
            Ok(())
        }
        "remove" => match held.iter_mut().find(|item| same(item)) {
            Some(item) => {
                item["distributionState"] = json!("pendingRemove");
                Ok(())
            }
            None => Err(Fail::field(&target, "What is to be removed is not targeted by the shipping label.")),
        },
        _ => Err(Fail::field(&target, "The action must be add or remove.")),
    }
}
