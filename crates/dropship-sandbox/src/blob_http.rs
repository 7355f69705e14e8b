//! The blob store's HTTP: what Azure's own libraries and plain scripts ask of a signed URL.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use super::app::App;
use super::blob_read;
use super::blob_write;
use super::blobs::{Content, Refused};
use super::lock;
use super::reply::{response, set_header};
use super::sas;
use super::signed;
use super::state::BlobKind;

/// An error of the storage service: status, code, message.
pub(super) struct Fail(pub(super) u16, pub(super) &'static str, pub(super) &'static str);

/// Answers a request for a blob.
pub(super) async fn answer(
    app: &Arc<App>,
    method: &Method,
    name: &str,
    query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let mut answer = match serve(app, method, name, query, headers, body).await {
        Ok(answer) => answer,
        Err(fail) => error(&fail, *method == Method::HEAD),
    };
    let request = lock(&app.world).ids.guid();
    set_header(&mut answer, "x-ms-request-id", &request);
    let version = headers.get("x-ms-version").and_then(|value| value.to_str().ok()).unwrap_or("2021-08-06");
    set_header(&mut answer, "x-ms-version", version);
    set_header(&mut answer, "server", "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0");
    answer
}

fn error(Fail(status, code, message): &Fail, head: bool) -> Response {
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut answer =
        response(*status, "application/xml", if head { Body::empty() } else { Body::from(body) });
    set_header(&mut answer, "x-ms-error-code", code);
    answer
}

async fn serve(
    app: &Arc<App>,
    method: &Method,
    name: &str,
    query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fail> {
    if headers.contains_key("authorization") {
        // A bearer token has no business here; the storage service would refuse it, and tests count it.
        lock(&app.world).leaked_bearers += 1;
        return Err(Fail(403, "AuthenticationFailed", "Authorization and a signed URL do not go together."));
    }
    let grant = sas::check(app, name, query).map_err(|why| {
        Fail(if why.code == "NoAuthenticationInformation" { 401 } else { 403 }, why.code, why.message)
    })?;
    let (pid, sid, kind, open) = {
        let world = lock(&app.world);
        let (product, sub, kind) = world.submission_of_blob(name).ok_or_else(not_found)?;
        (product.id, sub.id, kind, kind == BlobKind::Initial && sub.committed.is_none())
    };
    let comp = grant.fields.get("comp").map(String::as_str).unwrap_or_default();
    match (method.as_str(), comp) {
        ("PUT", "" | "block" | "blocklist") if !grant.write || !open => Err(Fail(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )),
        ("PUT", "") => blob_write::put_blob(app, name, headers, body).await,
        ("PUT", "block") => blob_write::put_block(app, name, &grant, headers, body).await,
        ("PUT", "blocklist") => blob_write::put_list(app, name, headers, body).await,
        ("GET" | "HEAD", _) if !grant.read => Err(Fail(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )),
        ("GET", "blocklist") => Ok(blob_read::block_list(app, name, &grant)),
        ("GET" | "HEAD", "" | "metadata") => {
            if kind != BlobKind::Initial && app.blobs.content(name).is_none() {
                signed::make(app, pid, sid, kind).await.map_err(|error| {
                    tracing::warn!(%error, pid, sid, "the sandbox cannot make a download");
                    Fail(
                        500,
                        "InternalError",
                        "Server encountered an internal error. Please try again after some time.",
                    )
                })?;
            }
            let content = app.blobs.content(name).ok_or_else(not_found)?;
            blob_read::download(&content, &grant, headers, *method == Method::HEAD).await
        }
        ("DELETE" | "PUT" | "POST" | "PATCH", _) => Err(Fail(
            403,
            "AuthorizationPermissionMismatch",
            "The signed URL does not permit this operation.",
        )),
        _ => Err(Fail(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")),
    }
}

fn not_found() -> Fail {
    Fail(404, "BlobNotFound", "The specified blob does not exist.")
}

pub(super) fn refused(refused: &Refused) -> Fail {
    match refused {
        Refused::Length => Fail(400, "InvalidInput", "The body is not as long as Content-Length says."),
        Refused::Md5 => Fail(
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
        ),
        Refused::Crc64 => Fail(
            400,
            "Crc64Mismatch",
            "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
        ),
        Refused::Disk(error) => {
            tracing::warn!(%error, "the sandbox cannot store a blob");
            Fail(
                500,
                "InternalError",
                "Server encountered an internal error. Please try again after some time.",
            )
        }
    }
}

pub(super) fn unmet() -> Fail {
    Fail(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
}

pub(super) fn describe(answer: &mut Response, content: &Content) {
    set_header(answer, "etag", &content.etag);
    let modified = std::time::SystemTime::from(content.modified);
    set_header(answer, "last-modified", &httpdate::fmt_http_date(modified));
}
