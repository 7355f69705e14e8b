//! Applies a fault to a request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::app::App;
use crate::faults::{FaultAction, FaultBody};
use crate::payload::{MAX_BODY, Payload};
use crate::reply::{gateway_body, html, json_response, response, set_header};
use crate::respond::respond;
use crate::route::Route;

/// The response to a request under a fault; `None` if the connection must be cut.
pub(crate) async fn respond_with_fault(
    app: &Arc<App>,
    parts: Parts,
    route: Route,
    payload: Payload,
    action: Option<FaultAction>,
) -> Option<Response> {
    match action {
        None => Some(respond(app, &parts, route, payload).await),
        Some(FaultAction::Status { status, retry_after, body, message, code }) => {
            drain(payload).await;
            let mut answer = fault_body(app, status, body, message.as_deref(), code.as_deref());
            if let Some(value) = retry_after {
                set_header(&mut answer, "retry-after", &value);
            }
            Some(answer)
        }
        Some(FaultAction::File { base64 }) => {
            drain(payload).await;
            Some(match STANDARD.decode(base64) {
                Ok(bytes) => response(200, "application/octet-stream", Body::from(bytes)),
                Err(error) => {
                    response(500, "text/plain", format!("the file of a fault is not base64: {error}"))
                }
            })
        }
        Some(FaultAction::DropBefore) => None,
        Some(FaultAction::DropAfter) => {
            respond(app, &parts, route, payload).await;
            None
        }
        Some(FaultAction::Hang) => std::future::pending().await,
        Some(FaultAction::Delay { ms }) => {
            let answer = respond(app, &parts, route, payload).await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Some(answer)
        }
        Some(FaultAction::Late { ms, cut }) => {
            let bytes = to_bytes(payload.into_body(), usize::MAX).await.unwrap_or_default();
            let app = Arc::clone(app);
            // In a task of its own: the request takes effect even if the client disconnects.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                respond(&app, &parts, route, Payload::Bytes(bytes)).await;
            });
            if cut {
                return None;
            }
            std::future::pending().await
        }
        Some(FaultAction::Truncate) => Some(truncated(respond(app, &parts, route, payload).await).await),
        Some(FaultAction::Garbage) => {
            let answer = respond(app, &parts, route, payload).await;
            let (mut head, _) = answer.into_parts();
            head.headers.remove(header::CONTENT_LENGTH);
            Some(Response::from_parts(head, Body::from("\u{1}{\"value\":[{\"id\":12,,,\u{0}<html>")))
        }
    }
}

/// Reads the rest of the body, so that the client can read the response.
async fn drain(payload: Payload) {
    let mut body = payload.into_body().into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
}

fn fault_body(
    app: &App,
    status: u16,
    form: FaultBody,
    message: Option<&str>,
    code: Option<&str>,
) -> Response {
    let message = message.unwrap_or("The service is unavailable.");
    match form {
        FaultBody::Json => {
            let code = code.unwrap_or(if status >= 500 { "internalServerError" } else { "invalidInput" });
            json_response(status, &json!({"error": {"code": code, "message": message}}))
        }
        FaultBody::Gateway => json_response(status, &gateway_body(status, message, app.quirks())),
        FaultBody::Text => response(status, "text/plain", message.to_owned()),
        FaultBody::Empty => response(status, "", Body::empty()),
        FaultBody::Html => html(status, "Service Unavailable"),
        FaultBody::Proxy => proxy_page(status),
    }
}

/// The page of a proxy between client and service. It carries no code of the service.
fn proxy_page(status: u16) -> Response {
    let page = format!(
        "<html><head><title>Access denied</title></head><body><h1>proxy.corp.example</h1>\
         <p>The proxy could not complete your request (status {status}).</p></body></html>\n"
    );
    let mut answer = response(status, "text/html; charset=utf-8", page);
    set_header(&mut answer, "via", "1.1 proxy.corp.example");
    if status == 407 {
        set_header(&mut answer, "proxy-authenticate", "Basic realm=\"proxy\"");
    }
    answer
}

/// A response with its full length in the header whose body ends half-way.
async fn truncated(answer: Response) -> Response {
    let (head, body) = answer.into_parts();
    let announced =
        head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let (len, body) = match announced {
        Some(len) => (len, body),
        None => {
            let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            (bytes.len() as u64, Body::from(bytes))
        }
    };
    let first_half = body.into_data_stream().scan(len / 2, |remaining, bytes| {
        let part = bytes.map(|bytes| {
            let take = usize::try_from(*remaining).unwrap_or(usize::MAX).min(bytes.len());
            *remaining -= take as u64;
            bytes.slice(..take)
        });
        let has_more = part.as_ref().is_ok_and(|bytes| !bytes.is_empty());
        std::future::ready(has_more.then(|| part.map_err(io::Error::other)))
    });
    let end = futures_util::stream::once(async {
        // Yield first, so that the bytes before the error are sent.
        tokio::task::yield_now().await;
        Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let mut answer = Response::from_parts(head, Body::from_stream(first_half.chain(end)));
    set_header(&mut answer, "content-length", &len.to_string());
    answer
}
