//! Handles one request: logs it, applies its fault and sends the response.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use crate::app::App;
use crate::control;
use crate::faults::{injection, proxy};
use crate::listener::CuttableConnection;
use crate::lock::lock;
use crate::payload::{MAX_BODY, Payload};
use crate::reply::{html, response};
use crate::request_log::{self, RequestEntry};
use crate::route::{Operation, Route};

/// Serves one request. The connection is cut when a fault demands it or the sandbox stops.
pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<CuttableConnection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let route = Route::of(&parts.method, parts.uri.path());
    let streams = matches!(route, Route::Blob { .. } | Route::Api { operation: Operation::PutPackage, .. });
    let payload = if streams {
        Payload::Stream(body)
    } else {
        match to_bytes(body, MAX_BODY).await {
            Ok(bytes) => Payload::Bytes(bytes),
            Err(_) => return html(413, "Request Entity Too Large"),
        }
    };
    if let Route::Control(path) = &route {
        let bytes = to_bytes(payload.into_body(), MAX_BODY).await.unwrap_or_default();
        return control::http::answer(&app, &parts.method, path, &bytes);
    }
    let number = lock(&app.log).begin(entry(&app, &parts, &route, &payload));
    let action = lock(&app.script).take(parts.method.as_str(), parts.uri.path(), route.name());
    let action = action.or_else(|| proxy::page(&app, &parts.method, &route));
    if let Some(action) = &action {
        lock(&app.log).update(number, |entry| entry.fault = Some(action.name()));
    }
    let mut answer = tokio::select! {
        answer = injection::respond_with_fault(&app, parts, route, payload, action) => answer,
        () = app.kill.cancelled() => None,
    };
    if let Some(answer) = &mut answer {
        set_date(&app, answer);
        lock(&app.log).update(number, |entry| entry.status = Some(answer.status().as_u16()));
    }
    answer.unwrap_or_else(|| {
        peer.cut();
        response(500, "", Body::empty())
    })
}

/// Sets a wrong `Date`, if a test wants one; the server adds the right one.
fn set_date(app: &App, answer: &mut Response) {
    let seconds = app.date_offset.load(Ordering::Relaxed);
    let (offset, now) = (Duration::from_secs(seconds.unsigned_abs()), SystemTime::now());
    let date = if seconds < 0 { now.checked_sub(offset) } else { now.checked_add(offset) };
    if seconds != 0
        && let Some(date) = date
        && let Ok(value) = HeaderValue::from_str(&httpdate::fmt_http_date(date))
    {
        answer.headers_mut().insert(DATE, value);
    }
}

/// The log entry of a request.
fn entry(app: &App, parts: &Parts, route: &Route, payload: &Payload) -> RequestEntry {
    let body = match payload {
        Payload::Bytes(bytes) if bytes.is_empty() => Value::Null,
        Payload::Bytes(bytes) if matches!(route, Route::Token { .. }) => request_log::masked_form(bytes),
        Payload::Bytes(bytes) => {
            serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
        }
        Payload::Stream(_) => Value::Null,
    };
    RequestEntry {
        number: 0,
        at: app.clock.wall(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: request_log::masked_query(parts.uri.query().unwrap_or_default()),
        operation: route.name(),
        headers: request_log::headers_of_interest(&parts.headers),
        body,
        status: None,
        fault: None,
    }
}
