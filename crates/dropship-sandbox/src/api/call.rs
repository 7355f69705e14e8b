//! One call to the API: authenticates, throttles and validates the request, then runs the operation.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;

use crate::api::audiences;
use crate::api::label_update;
use crate::api::labels;
use crate::api::preprod;
use crate::api::products;
use crate::api::sharing;
use crate::api::submissions;
use crate::app::{ApiCaller, App};
use crate::auth::token;
use crate::lock::lock;
use crate::package::analysis;
use crate::payload::Payload;
use crate::quirks::Quirk;
use crate::quirks::apply::apply_quirks;
use crate::reply::{ErrorReply, Reply, json_response, refuse, response, set_header};
use crate::route::Operation;

/// The response to a call of the API.
pub(crate) async fn answer(
    app: &Arc<App>,
    parts: &Parts,
    base: &str,
    operation: &Operation,
    version: &'static str,
    payload: Payload,
) -> Response {
    let mut answer = match call(app, parts, base, operation, version, payload).await {
        Ok(answer) => answer,
        Err(fail) => refuse(fail, app.quirks()),
    };
    for (header, name) in [("ms-correlationid", "ms-correlationid"), ("ms-requestid", "ms-requestid")] {
        if let Some(value) = parts.headers.get(header).and_then(|value| value.to_str().ok()) {
            set_header(&mut answer, name, value);
        }
    }
    answer
}

async fn call(
    app: &Arc<App>,
    parts: &Parts,
    base: &str,
    operation: &Operation,
    version: &'static str,
    payload: Payload,
) -> Result<Response, ErrorReply> {
    let length =
        parts.headers.contains_key("content-length") || parts.headers.contains_key("transfer-encoding");
    if !length && matches!(parts.method.as_str(), "POST" | "PUT" | "PATCH") {
        return Err(ErrorReply::Html { status: 411, title: "Length Required" });
    }
    let account = token::account(app, &parts.headers)
        .ok_or_else(|| ErrorReply::gateway(401, "Unauthorized. Access token is missing or invalid."))?;
    throttle(app, &account)?;
    check_type(app, parts, operation)?;
    hide_new_object(app, &account, operation)?;
    let caller = ApiCaller { account, base: base.to_owned(), version };
    if let Some((pid, sid)) = operation.submission() {
        analysis::analyze(app, pid, sid).await;
    }
    if let Some(pid) = operation.product() {
        analysis::analyze_all(app, pid).await;
    }
    let query = parts.uri.query().unwrap_or_default();
    let reply = match operation {
        Operation::PutPackage => preprod::put(app, &caller, &parts.headers, payload.into_body()).await?,
        Operation::DownloadAsset(id, asset) => return preprod::download(app, &caller, id, asset).await,
        Operation::ListProducts => products::list(app, &caller, query)?,
        Operation::GetProduct(pid) => products::get(app, &caller, *pid)?,
        Operation::CreateProduct => products::create(app, &caller, &json_of(&payload)?)?,
        Operation::UpdateProduct(pid) => products::update(app, &caller, *pid, &json_of(&payload)?)?,
        Operation::ListSubmissions(pid) => submissions::list(app, &caller, *pid, query)?,
        Operation::GetSubmission(pid, sid) => submissions::get(app, &caller, *pid, *sid)?,
        Operation::CreateSubmission(pid) => submissions::create(app, &caller, *pid, &json_of(&payload)?)?,
        Operation::UpdateSubmission(pid, sid) => {
            submissions::update(app, &caller, *pid, *sid, &json_of(&payload)?)?
        }
        Operation::Commit(pid, sid) => submissions::commit(app, &caller, *pid, *sid)?,
        Operation::CreateMetadata(pid, sid) => submissions::create_metadata(app, &caller, *pid, *sid)?,
        Operation::ListLabels(pid, sid) => labels::list(app, &caller, *pid, *sid, query)?,
        Operation::GetLabel(pid, sid, lid) => labels::get(app, &caller, *pid, *sid, *lid, query)?,
        Operation::CreateLabel(pid, sid) => labels::create(app, &caller, *pid, *sid, &json_of(&payload)?)?,
        Operation::UpdateLabel(pid, sid, lid) => {
            label_update::update(app, &caller, *pid, *sid, *lid, &json_of(&payload)?)?
        }
        Operation::CancelLabel(pid, sid, lid) => labels::cancel(app, &caller, *pid, *sid, *lid)?,
        Operation::ListAudiences => audiences::list(&caller),
        Operation::Translate { publisher, pid, sid } => {
            sharing::translate(app, &caller, *publisher, *pid, *sid)?
        }
        Operation::GetPackage(id) => preprod::get(app, &caller, id).await?,
        Operation::ListAssets(id) => preprod::assets(app, &caller, id).await?,
        Operation::GetAsset(id, asset) => preprod::one_asset(app, &caller, id, asset).await?,
    };
    Ok(render(app, operation, reply))
}

fn render(app: &App, operation: &Operation, reply: Reply) -> Response {
    match reply {
        Reply::Empty(status) => response(status, "", Body::empty()),
        Reply::Json(status, body) => {
            if status == 201 && app.has(Quirk::Empty2xxBody) {
                let mut state = lock(&app.state);
                let count = state.creates.entry(operation.name()).or_default();
                *count += 1;
                if count.is_multiple_of(2) {
                    return response(status, "", Body::empty());
                }
            }
            json_response(status, &apply_quirks(body, app.quirks()))
        }
    }
}

/// Number of requests for a new object that fail with 404, by quirk.
const MAX_UNSEEN: u32 = 2;

/// Rejects the first requests for a new object: the service's parts learn of it one after the other.
fn hide_new_object(app: &App, account: &str, operation: &Operation) -> Result<(), ErrorReply> {
    let (id, quirk, message) = match *operation {
        Operation::GetProduct(pid)
        | Operation::UpdateProduct(pid)
        | Operation::ListSubmissions(pid)
        | Operation::CreateSubmission(pid) => (pid, Quirk::NewProduct404, "Product not found"),
        Operation::GetSubmission(_, sid)
        | Operation::UpdateSubmission(_, sid)
        | Operation::Commit(_, sid)
        | Operation::CreateMetadata(_, sid)
        | Operation::ListLabels(_, sid)
        | Operation::CreateLabel(_, sid) => (sid, Quirk::NewSubmission404, "No submission found"),
        Operation::GetLabel(_, _, lid)
        | Operation::UpdateLabel(_, _, lid)
        | Operation::CancelLabel(_, _, lid) => (lid, Quirk::NewLabel404, "Shipping label not found"),
        _ => return Ok(()),
    };
    if app.has(quirk) && lock(&app.state).count(quirk, format!("{account} {id}")) < MAX_UNSEEN {
        return Err(ErrorReply::not_found(message));
    }
    Ok(())
}

/// Counts the call against the rate limit of its account.
fn throttle(app: &App, account: &str) -> Result<(), ErrorReply> {
    let Some(limit) = app.options.requests_per_minute else {
        return Ok(());
    };
    let (now, window) = (app.clock.elapsed(), app.options.throttle_window);
    let mut state = lock(&app.state);
    let calls = state.calls.entry(account.to_owned()).or_default();
    while calls.front().is_some_and(|first| now.saturating_sub(*first) >= window) {
        calls.pop_front();
    }
    if calls.len() < limit as usize {
        calls.push_back(now);
        return Ok(());
    }
    let free = calls.front().map_or(window, |first| window.saturating_sub(now.saturating_sub(*first)));
    state.throttled += 1;
    let seconds = free.as_secs() + 1;
    let message = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    Err(ErrorReply::Gateway { status: 429, message, retry_after: Some(seconds) })
}

/// A content type must be JSON. By quirk a commit must have one.
fn check_type(app: &App, parts: &Parts, operation: &Operation) -> Result<(), ErrorReply> {
    if *operation == Operation::PutPackage || !matches!(parts.method.as_str(), "POST" | "PUT" | "PATCH") {
        return Ok(());
    }
    let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(kind.as_str(), "application/json" | "text/json" | "application/*+json")
    };
    let is_required = matches!(operation, Operation::Commit(..)) && app.has(Quirk::StrictCommitType);
    match kind {
        Some(kind) if is_json(kind) => Ok(()),
        None if !is_required => Ok(()),
        _ => Err(ErrorReply::gateway(415, "Unsupported Media Type")),
    }
}

fn json_of(payload: &Payload) -> Result<Value, ErrorReply> {
    serde_json::from_slice(payload.bytes())
        .map_err(|_| ErrorReply::field("body", "The request body is not valid JSON."))
}
