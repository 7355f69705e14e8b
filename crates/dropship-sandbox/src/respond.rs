//! Routes a request to the part of the sandbox that answers it.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::http::request::Parts;
use axum::response::Response;

use crate::api::{call, downloads};
use crate::app::App;
use crate::auth::token;
use crate::blob;
use crate::payload::{MAX_BODY, Payload};
use crate::reply::{ErrorReply, html, json_response, refuse};
use crate::route::Route;

/// The response of the service to a request.
pub(crate) async fn respond(app: &Arc<App>, parts: &Parts, route: Route, payload: Payload) -> Response {
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let base = host.map_or_else(|| app.base.clone(), |host| format!("http://{host}"));
    let query = parts.uri.query().unwrap_or_default();
    match route {
        Route::Token { tenant, v2 } => {
            if parts.method != axum::http::Method::POST {
                return html(405, "Method Not Allowed");
            }
            let bytes = to_bytes(payload.into_body(), MAX_BODY).await.unwrap_or_default();
            token::answer(app, &tenant, v2, &base, &parts.headers, &bytes)
        }
        Route::ManagedIdentity => token::managed_identity(app, &parts.headers, query),
        Route::Discovery { tenant } => json_response(200, &token::discovery(&base, &tenant)),
        Route::Api { operation, version } => {
            call::answer(app, parts, &base, &operation, version, payload).await
        }
        Route::Blob { name, is_moved } => {
            let requested = blob::http::RequestedBlob { name: &name, is_moved };
            blob::http::answer(app, &parts.method, requested, query, &parts.headers, payload.into_body())
                .await
        }
        Route::Report { pid, sid } => downloads::report(app, &parts.headers, pid, sid),
        Route::Metadata { sid } => downloads::metadata(app, &parts.headers, sid).await,
        Route::WrongMethod => refuse(ErrorReply::gateway(405, "Method Not Allowed"), app.quirks()),
        Route::Control(_) | Route::Unknown => {
            refuse(ErrorReply::gateway(404, "Resource not found"), app.quirks())
        }
    }
}
