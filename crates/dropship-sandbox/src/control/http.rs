//! The controls over HTTP, under `/__sandbox`, for tests in other languages.
//!
//! | request | does |
//! |---|---|
//! | `GET state` | returns all objects |
//! | `GET requests` | returns the received requests, oldest first |
//! | `GET faults` | returns the faults and how many requests matched each |
//! | `POST faults` with one fault or a list | adds faults, as [`Fault`] reads them |
//! | `PUT faults` with one fault or a list | replaces all faults at once |
//! | `DELETE faults` | removes all faults |
//! | `POST clock` `{"advance_seconds":N}` or `{"ripen_seconds":N}` | advances all clocks, or working time only |
//! | `POST date` `{"offset_seconds":N}` | changes the `Date` header of all further responses by N seconds; 0 restores it |
//! | `POST release` `{"id":"…"}` | ends the review of a submission, or the approval or rollout of a label |
//! | `POST labels/ID/refuse` `{"why":"…"}` | rejects a label, with an error report |
//! | `POST labels/ID/withdraw` `{"why":"…"}` | withdraws a label in any step, also a published one |
//! | `POST labels/ID/expire` | ends the distribution of a label: it has no targets any more |
//! | `POST labels/ID/change` `{"targeting":{…}}` | replaces keys of the targeting of a label; null removes a key |
//! | `DELETE labels/ID` | removes a label |
//! | `POST products` `{"tenant":"…","count":N,"prefix":"…"}` | adds products, returns their ids |
//! | `POST products/ID` `{"inbox":true,"read_only":true}` | marks a product as inbox driver or read-only |
//! | `POST submissions/ID/withhold_metadata` | withholds the driver metadata until three hours of working time after they are requested |
//! | `POST reset` | deletes all objects, faults and logged requests |
//!
//! Ids are numbers or strings of digits. Success without a result is 204; an error is `{"error":"…"}` with 400 or 404.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::handle::Control;
use crate::app::App;
use crate::faults::Fault;
use crate::reply::{json_response, response};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceRequest {
    #[serde(default)]
    advance_seconds: u64,
    #[serde(default)]
    ripen_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DateRequest {
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseRequest {
    id: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefuseRequest {
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetingRequest {
    targeting: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddProducts {
    tenant: String,
    count: usize,
    #[serde(default = "prefix")]
    prefix: String,
}

fn prefix() -> String {
    "Product".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkRequest {
    #[serde(default)]
    inbox: bool,
    #[serde(default)]
    read_only: bool,
}

/// The response to a request for a control.
pub(crate) fn answer(app: &Arc<App>, method: &Method, path: &[String], body: &[u8]) -> Response {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match act(&Control::new(Arc::clone(app)), method.as_str(), &path, body) {
        Ok(Some(value)) => json_response(200, &value),
        Ok(None) => response(204, "", Body::empty()),
        Err(ControlError(status, why)) => json_response(status, &json!({"error": why})),
    }
}

/// An HTTP status and a message.
struct ControlError(u16, String);

/// One fault, or a list of faults.
fn faults_in(body: &[u8]) -> Result<Vec<Fault>, ControlError> {
    match read::<Value>(body)? {
        many @ Value::Array(_) => from_value::<Vec<Fault>>(many),
        one => Ok(vec![from_value::<Fault>(one)?]),
    }
}

fn act(control: &Control, method: &str, path: &[&str], body: &[u8]) -> Result<Option<Value>, ControlError> {
    match (method, path) {
        ("GET", ["state"]) => Ok(Some(control.state())),
        ("GET", ["requests"]) => Ok(Some(Value::Array(
            control.requests().iter().map(crate::request_log::RequestEntry::to_json).collect(),
        ))),
        ("GET", ["faults"]) => Ok(Some(control.faults())),
        ("DELETE", ["faults"]) => {
            control.clear_faults();
            Ok(None)
        }
        ("POST", ["faults"]) => {
            for fault in faults_in(body)? {
                control.fault(fault).map_err(|error| ControlError(400, error.to_string()))?;
            }
            Ok(None)
        }
        ("PUT", ["faults"]) => {
            control.replace_faults(faults_in(body)?).map_err(|error| ControlError(400, error.to_string()))?;
            Ok(None)
        }
        ("POST", ["clock"]) => {
            let skip = read::<AdvanceRequest>(body)?;
            control.advance(Duration::from_secs(skip.advance_seconds));
            control.advance_work(Duration::from_secs(skip.ripen_seconds));
            Ok(None)
        }
        ("POST", ["date"]) => {
            control.offset_dates(read::<DateRequest>(body)?.offset_seconds);
            Ok(None)
        }
        ("POST", ["release"]) => found(control.release(id_of(&read::<ReleaseRequest>(body)?.id)?)),
        ("POST", ["labels", id, "refuse"]) => {
            let refuse = read::<RefuseRequest>(body)?;
            found(control.refuse_label(id_of(&json!(id))?, &refuse.why))
        }
        ("POST", ["labels", id, "withdraw"]) => {
            let refuse = read::<RefuseRequest>(body)?;
            found(control.withdraw_label(id_of(&json!(id))?, &refuse.why))
        }
        ("POST", ["labels", id, "expire"]) => found(control.expire_label(id_of(&json!(id))?)),
        ("POST", ["labels", id, "change"]) => {
            let change = read::<TargetingRequest>(body)?;
            found(control.change_label(id_of(&json!(id))?, &change.targeting))
        }
        ("DELETE", ["labels", id]) => found(control.remove_label(id_of(&json!(id))?)),
        ("POST", ["products"]) => {
            let add = read::<AddProducts>(body)?;
            let ids = control.add_products(&add.tenant, &add.prefix, add.count);
            Ok(Some(json!({"ids": ids.iter().map(u64::to_string).collect::<Vec<_>>()})))
        }
        ("POST", ["products", id]) => {
            let mark = read::<MarkRequest>(body)?;
            found(control.mark_product(id_of(&json!(id))?, mark.inbox, mark.read_only))
        }
        ("POST", ["submissions", id, "withhold_metadata"]) => {
            found(control.withhold_metadata(id_of(&json!(id))?))
        }
        ("POST", ["reset"]) => {
            control.reset();
            Ok(None)
        }
        _ => Err(ControlError(404, "there is no such control".to_owned())),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| ControlError(400, error.to_string()))
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ControlError> {
    serde_json::from_value(value).map_err(|error| ControlError(400, error.to_string()))
}

fn found(known: bool) -> Result<Option<Value>, ControlError> {
    if known { Ok(None) } else { Err(ControlError(404, "there is no object with this id".to_owned())) }
}

/// An id as a number or as a string.
fn id_of(value: &Value) -> Result<u64, ControlError> {
    let id = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    id.ok_or_else(|| ControlError(400, "an id must be a number or a string of digits".to_owned()))
}
