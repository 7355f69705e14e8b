//! HTTP requests to the blob store, as Azure's libraries and plain scripts send them to a signed URL.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use crate::app::App;
use crate::blob::reply::BlobError;
use crate::blob::{read, sas, write};
use crate::lock::lock;
use crate::package::metadata::{self, MetadataDownload};
use crate::package::signed_package;
use crate::quirks::Quirk;
use crate::reply::{response, set_header};
use crate::state::BlobKind;

/// A request's blob.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestedBlob<'a> {
    pub(crate) name: &'a str,
    /// Whether the URL is the target of a redirection.
    pub(crate) is_moved: bool,
}

/// Handles a request for a blob.
pub(crate) async fn answer(
    app: &Arc<App>,
    method: &Method,
    requested: RequestedBlob<'_>,
    query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let mut answer = match serve(app, method, requested, query, headers, body).await {
        Ok(answer) => answer,
        Err(error) => error.into_response(*method == Method::HEAD),
    };
    let request = lock(&app.state).ids.guid();
    set_header(&mut answer, "x-ms-request-id", &request);
    let version = headers.get("x-ms-version").and_then(|value| value.to_str().ok()).unwrap_or("2021-08-06");
    set_header(&mut answer, "x-ms-version", version);
    set_header(&mut answer, "server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0");
    answer
}

async fn serve(
    app: &Arc<App>,
    method: &Method,
    RequestedBlob { name, is_moved }: RequestedBlob<'_>,
    query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, BlobError> {
    if headers.contains_key("authorization") {
        // The storage service rejects a bearer token beside a signed URL; tests check that no client sends one.
        lock(&app.state).leaked_bearers += 1;
        return Err(BlobError(
            403,
            "AuthenticationFailed",
            "Authorization and a signed URL do not go together.",
        ));
    }
    let grant = sas::check(app, name, query).map_err(|why| {
        BlobError(if why.code == "NoAuthenticationInformation" { 401 } else { 403 }, why.code, why.message)
    })?;
    let (pid, sid, kind, open) = {
        let state = lock(&app.state);
        let (product, sub, kind) = state.submission_of_blob(name).ok_or(BlobError::NOT_FOUND)?;
        (product.id, sub.id, kind, kind == BlobKind::Initial && sub.committed.is_none())
    };
    let comp = grant.fields.get("comp").map(String::as_str).unwrap_or_default();
    match (method.as_str(), comp) {
        ("PUT", "" | "block" | "blocklist") if !grant.can_write || !open => Err(BlobError::NOT_PERMITTED),
        ("PUT", "") => write::put_blob(app, name, headers, body).await,
        ("PUT", "block") => write::put_block(app, name, &grant, headers, body).await,
        ("PUT", "blocklist") => write::put_list(app, name, headers, body).await,
        ("GET" | "HEAD", _) if !grant.can_read => Err(BlobError::NOT_PERMITTED),
        ("GET", "blocklist") => Ok(read::block_list(app, name, &grant)),
        ("GET" | "HEAD", "" | "metadata") => {
            if app.has(Quirk::RedirectedDownloads) && kind != BlobKind::Initial && !is_moved {
                return Ok(redirect(name, query));
            }
            let download = if kind == BlobKind::Metadata && *method == Method::GET {
                metadata::count_download(app, sid)
            } else {
                MetadataDownload::Usual
            };
            let is_absent = download != MetadataDownload::Usual || app.blobs.content(name).is_none();
            if kind != BlobKind::Initial && is_absent {
                signed_package::create(app, pid, sid, kind, download).await.map_err(|error| {
                    tracing::warn!(%error, pid, sid, "cannot create a download of submission {sid}: {error}");
                    BlobError::INTERNAL
                })?;
            }
            let content = app.blobs.content(name).ok_or(BlobError::NOT_FOUND)?;
            read::download(&content, &grant, headers, *method == Method::HEAD).await
        }
        ("DELETE" | "PUT" | "POST" | "PATCH", _) => Err(BlobError(
            403,
            "AuthorizationPermissionMismatch",
            "The signed URL does not permit this operation.",
        )),
        _ => Err(BlobError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")),
    }
}

/// A redirection to another URL of the same blob.
fn redirect(name: &str, query: &str) -> Response {
    let mut answer = response(302, "", Body::empty());
    set_header(&mut answer, "location", &format!("/blob/moved/{name}?{}", query.replace(' ', "%20")));
    answer
}
