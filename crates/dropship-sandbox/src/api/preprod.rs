//! Preproduction packages: uploaded in one request, signed some minutes later.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use std::io::{self, Read as _};

use crate::api::views::time;
use crate::app::{ApiCaller, App};
use crate::blob::store::{AnnouncedBody, BlobContent, ReceivedBody};
use crate::lock::lock;
use crate::package::signed_package;
use crate::quirks::Quirk;
use crate::quirks::apply::camel;
use crate::reply::{ErrorReply, Reply, set_header};
use crate::state::{Preprod, ServiceState};

/// `PUT /preprod/packages/`
pub(crate) async fn put(
    app: &Arc<App>,
    caller: &ApiCaller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Reply, ErrorReply> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !text("content-type").to_ascii_lowercase().starts_with("application/octet-stream") {
        return Err(ErrorReply::gateway(415, "Unsupported Media Type"));
    }
    let length = text("content-length")
        .parse()
        .map_err(|_| ErrorReply::Html { status: 411, title: "Length Required" })?;
    let claims = AnnouncedBody { length, ..AnnouncedBody::default() };
    let ReceivedBody { scratch, .. } = app.blobs.receive(body, claims).await.map_err(|error| {
        tracing::debug!(?error, "cannot receive a preproduction package");
        ErrorReply::gateway(400, "The package did not arrive whole.")
    })?;
    if scratch.len == 0 {
        return Err(ErrorReply::field("package", "The package is empty."));
    }
    let mut state = lock(&app.state);
    let (id, asset) = (state.ids.guid(), state.ids.guid());
    app.blobs.put(&id, scratch, app.clock.wall());
    let package = Preprod {
        id: id.clone(),
        owner: caller.account.clone(),
        asset,
        created: app.clock.wall(),
        began: app.clock.work(),
    };
    let answer = shown(app, &package);
    state.preprod.insert(id, package);
    Ok(Reply::Json(200, answer))
}

fn is_signed(app: &App, package: &Preprod) -> bool {
    app.clock.work().saturating_sub(package.began) >= app.options.sign
}

fn shown(app: &App, package: &Preprod) -> Value {
    let etag = app.blobs.content(&package.id).map_or_else(String::new, |content| content.etag.clone());
    let elapsed = app.clock.work().saturating_sub(package.began);
    let status = match elapsed {
        _ if is_signed(app, package) => "Succeeded",
        elapsed if elapsed < app.options.sign / 10 => "NotStarted",
        _ => "Processing",
    };
    let status = if app.has(Quirk::PreprodCamelCase) { camel(status) } else { status.to_owned() };
    json!({
        "id": package.id, "etag": etag, "lastModified": time(package.created),
        "signingStatus": status, "error": null,
    })
}

fn asset(package: &Preprod, content: &BlobContent) -> Result<Value, ErrorReply> {
    let hash = sha256(content).map_err(|error| internal_error(&error))?;
    Ok(json!({
        "id": package.asset, "packageId": package.id, "assetType": "SignedFilesZip",
        "createdDate": time(package.created), "contentHash": hash,
    }))
}

fn internal_error(error: &io::Error) -> ErrorReply {
    tracing::warn!(%error, "cannot serve a preproduction package of the sandbox: {error}");
    ErrorReply::gateway(500, "Internal server error")
}

fn sha256(content: &BlobContent) -> io::Result<String> {
    let mut file = std::fs::File::open(&content.scratch.path)?;
    let (mut digest, mut buffer) = (Context::new(&SHA256), vec![0; 64 * 1024]);
    loop {
        let length = file.read(&mut buffer)?;
        match buffer.get(..length) {
            Some(bytes) if !bytes.is_empty() => digest.update(bytes),
            _ => break,
        }
    }
    Ok(digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The signed files of a package, created on the first request; `None` before it is signed.
async fn signed_files(
    app: &App,
    caller: &ApiCaller,
    id: &str,
) -> Result<Option<Arc<BlobContent>>, ErrorReply> {
    let (asset, upload) = {
        let state = lock(&app.state);
        let package = find(&state, caller, id)?;
        if !is_signed(app, package) {
            return Ok(None);
        }
        (package.asset.clone(), app.blobs.content(&package.id))
    };
    if let Some(content) = app.blobs.content(&asset) {
        return Ok(Some(content));
    }
    let upload = upload.ok_or_else(|| ErrorReply::not_found("Package not found"))?;
    let (path, package_id) = (app.blobs.scratch_path(), id.to_owned());
    let write = move || signed_package::any_zip(&upload.scratch.path, path, &package_id);
    let written = tokio::task::spawn_blocking(write).await.map_err(io::Error::other).flatten();
    let scratch = written.map_err(|error| internal_error(&error))?;
    Ok(Some(app.blobs.put_new(&asset, scratch, app.clock.wall())))
}

fn find<'a>(state: &'a ServiceState, caller: &ApiCaller, id: &str) -> Result<&'a Preprod, ErrorReply> {
    let package = state.preprod.get(id).filter(|package| package.owner == caller.account);
    package.ok_or_else(|| ErrorReply::not_found("Package not found"))
}

/// `GET /preprod/packages/{id}`
pub(crate) async fn get(app: &App, caller: &ApiCaller, id: &str) -> Result<Reply, ErrorReply> {
    let content = signed_files(app, caller, id).await?;
    let state = lock(&app.state);
    let package = find(&state, caller, id)?;
    let mut body = shown(app, package);
    let assets = content.map(|content| asset(package, &content)).transpose()?;
    body["assets"] = Value::Array(assets.into_iter().collect());
    body["assetsContinuationToken"] = Value::Null;
    Ok(Reply::Json(200, body))
}

/// `GET /preprod/packages/{id}/assets`
pub(crate) async fn assets(app: &App, caller: &ApiCaller, id: &str) -> Result<Reply, ErrorReply> {
    let content = signed_files(app, caller, id).await?;
    let state = lock(&app.state);
    let package = find(&state, caller, id)?;
    let list = content.map(|content| asset(package, &content)).transpose()?;
    let plain = Value::Array(list.into_iter().collect());
    Ok(Reply::Json(
        200,
        if app.has(Quirk::AssetsEnvelope) { json!({ "value": plain, "links": [] }) } else { plain },
    ))
}

/// The content of an asset.
async fn content_of(
    app: &App,
    caller: &ApiCaller,
    id: &str,
    asset_id: &str,
) -> Result<Arc<BlobContent>, ErrorReply> {
    let missing = || ErrorReply::not_found("Asset not found");
    let content = signed_files(app, caller, id).await?.ok_or_else(missing)?;
    if find(&lock(&app.state), caller, id)?.asset == asset_id { Ok(content) } else { Err(missing()) }
}

/// `GET /preprod/packages/{id}/assets/{aid}`
pub(crate) async fn one_asset(
    app: &App,
    caller: &ApiCaller,
    id: &str,
    asset_id: &str,
) -> Result<Reply, ErrorReply> {
    let content = content_of(app, caller, id, asset_id).await?;
    Ok(Reply::Json(200, asset(find(&lock(&app.state), caller, id)?, &content)?))
}

/// `GET /preprod/packages/{id}/assets/{aid}/download`
pub(crate) async fn download(
    app: &App,
    caller: &ApiCaller,
    id: &str,
    asset_id: &str,
) -> Result<Response, ErrorReply> {
    let content = content_of(app, caller, id, asset_id).await?;
    let file = tokio::fs::File::open(&content.scratch.path).await.map_err(|error| internal_error(&error))?;
    let body = Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024));
    let mut answer = crate::reply::response(200, "application/zip", body);
    set_header(&mut answer, "content-length", &content.scratch.len.to_string());
    Ok(answer)
}
