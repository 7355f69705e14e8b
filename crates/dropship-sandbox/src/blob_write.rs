//! Writes to the blob store: whole blobs, blocks, lists of blocks.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::app::App;
use super::blob_http::{Fail, describe, refused, unmet};
use super::blobs::{BadBlock, Claims, CommitError, Content, Refused, Source};
use super::lock;
use super::reply::{response, set_header};
use super::sas::Grant;

/// The longest block id, decoded, and the longest list, as the storage service documents them.
const MAX_BLOCK_ID: usize = 64;
const MAX_BLOCKS: usize = 50_000;

/// The length that a sender announces; the storage service takes no body without one.
fn claims(headers: &HeaderMap) -> Result<Claims, Fail> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text("content-length").and_then(|length| length.parse().ok()).ok_or(Fail(
        411,
        "MissingContentLengthHeader",
        "The Content-Length header was not specified.",
    ))?;
    let decoded = |name: &str, code, message| match text(name) {
        None => Ok(None),
        Some(value) => STANDARD.decode(value).map(Some).map_err(|_| Fail(400, code, message)),
    };
    Ok(Claims {
        length,
        md5: decoded("content-md5", "InvalidMd5", "The MD5 value specified in the request is invalid.")?,
        crc64: decoded("x-ms-content-crc64", "InvalidHeaderValue", "x-ms-content-crc64 is not base64.")?,
    })
}

/// `If-Match` and `If-None-Match` of a write.
fn write_conditions(app: &App, name: &str, headers: &HeaderMap) -> Result<(), Fail> {
    let held = app.blobs.content(name);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("if-none-match"), &held) {
        (Some("*"), Some(_)) => {
            return Err(Fail(409, "BlobAlreadyExists", "The specified blob already exists."));
        }
        (Some(tag), Some(held)) if tag == held.etag => return Err(unmet()),
        _ => {}
    }
    match (text("if-match"), &held) {
        (Some(tag), Some(held)) if tag != "*" && tag != held.etag => Err(unmet()),
        (Some(_), None) => Err(unmet()),
        _ => Ok(()),
    }
}

pub(super) async fn put_blob(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fail> {
    match headers.get("x-ms-blob-type").map(|kind| kind.as_bytes()) {
        Some(b"BlockBlob") => {}
        Some(_) => {
            return Err(Fail(
                400,
                "InvalidHeaderValue",
                "The value for x-ms-blob-type is not in the correct format.",
            ));
        }
        None => {
            let message =
                "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.";
            return Err(Fail(400, "MissingRequiredHeader", message));
        }
    }
    write_conditions(app, name, headers)?;
    let piece = app.blobs.receive(body, claims(headers)?).await.map_err(|why| refused(&why))?;
    still_open(app, name)?;
    Ok(stored(&app.blobs.put(name, piece, app.clock.wall())))
}

/// A commit may have come while the bytes did; what was committed must not change.
fn still_open(app: &App, name: &str) -> Result<(), Fail> {
    let world = lock(&app.world);
    match world.submission_of_blob(name) {
        Some((_, sub, _)) if sub.committed.is_none() => Ok(()),
        _ => {
            Err(Fail(403, "AuthorizationPermissionMismatch", "The submission has been committed meanwhile."))
        }
    }
}

pub(super) async fn put_block(
    app: &App,
    name: &str,
    grant: &Grant,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fail> {
    let bad = || {
        Fail(
            400,
            "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid: blockid.",
        )
    };
    let id = grant.fields.get("blockid").ok_or_else(bad)?;
    let bytes = STANDARD.decode(id).map_err(|_| bad())?;
    if bytes.is_empty() || bytes.len() > MAX_BLOCK_ID {
        return Err(bad());
    }
    let piece = app.blobs.receive(body, claims(headers)?).await.map_err(|why| refused(&why))?;
    if piece.len == 0 {
        return Err(Fail(400, "InvalidHeaderValue", "A block cannot be empty."));
    }
    app.blobs.stage(name, id.clone(), piece).map_err(|BadBlock| {
        Fail(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
    })?;
    let mut answer = response(201, "", Body::empty());
    set_header(&mut answer, "x-ms-request-server-encrypted", "true");
    Ok(answer)
}

pub(super) async fn put_list(
    app: &Arc<App>,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fail> {
    let bad = || Fail(400, "InvalidXmlDocument", "XML specified is not syntactically valid.");
    write_conditions(app, name, headers)?;
    let piece = app.blobs.receive(body, claims(headers)?).await.map_err(|why| refused(&why))?;
    let text = tokio::fs::read_to_string(&piece.path).await.map_err(|_| bad())?;
    let ids = read_list(&text).ok_or_else(bad)?;
    if ids.len() > MAX_BLOCKS {
        return Err(Fail(400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks."));
    }
    still_open(app, name)?;
    let (held, named) = (Arc::clone(app), name.to_owned());
    let joined =
        tokio::task::spawn_blocking(move || held.blobs.commit(&named, &ids, held.clock.wall())).await;
    match joined {
        Ok(Ok(content)) => Ok(stored(&content)),
        Ok(Err(CommitError::NoSuchBlock)) => {
            Err(Fail(400, "InvalidBlockList", "The specified block list is invalid."))
        }
        Ok(Err(CommitError::Disk(error))) => Err(refused(&Refused::Disk(error))),
        Err(error) => Err(refused(&Refused::Disk(std::io::Error::other(error)))),
    }
}

fn read_list(text: &str) -> Option<Vec<(Source, String)>> {
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "BlockList" {
        return None;
    }
    let blocks = root.children().filter(roxmltree::Node::is_element).map(|node| {
        let source = match node.tag_name().name() {
            "Latest" => Source::Latest,
            "Uncommitted" => Source::Staged,
            "Committed" => Source::Committed,
            _ => return None,
        };
        Some((source, node.text().unwrap_or_default().trim().to_owned()))
    });
    blocks.collect()
}

fn stored(content: &Content) -> Response {
    let mut answer = response(201, "", Body::empty());
    describe(&mut answer, content);
    set_header(&mut answer, "x-ms-request-server-encrypted", "true");
    answer
}
