//! Writes to the blob store: blobs, blocks and block lists.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use crate::blob::reply::{BlobError, describe};
use crate::blob::sas::SasGrant;
use crate::blob::store::{
    AnnouncedBody, BadBlock, BlobContent, BlockLookup, Checksum, CommitError, ReceiveError, ReceivedBody,
};
use crate::lock::lock;
use crate::quirks::Quirk;
use crate::reply::{response, set_header};

/// Maximum size of a decoded block id in bytes, and maximum number of blocks (documented limits of Azure Storage).
const MAX_BLOCK_ID: usize = 64;
const MAX_BLOCKS: usize = 50_000;

/// Length and checksums in the headers. The storage service rejects a body without a length.
fn claims(headers: &HeaderMap) -> Result<AnnouncedBody, BlobError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text("content-length").and_then(|length| length.parse().ok()).ok_or(BlobError(
        411,
        "MissingContentLengthHeader",
        "The Content-Length header was not specified.",
    ))?;
    let decoded = |name: &str, code, message| match text(name) {
        None => Ok(None),
        Some(value) => STANDARD.decode(value).map(Some).map_err(|_| BlobError(400, code, message)),
    };
    Ok(AnnouncedBody {
        length,
        md5: decoded("content-md5", "InvalidMd5", "The MD5 value specified in the request is invalid.")?,
        crc64: decoded("x-ms-content-crc64", "InvalidHeaderValue", "x-ms-content-crc64 is not base64.")?,
    })
}

/// Checks `If-Match` and `If-None-Match` of a write.
fn write_conditions(app: &App, name: &str, headers: &HeaderMap) -> Result<(), BlobError> {
    let current = app.blobs.content(name);
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("if-none-match"), &current) {
        (Some("*"), Some(_)) => {
            return Err(BlobError(409, "BlobAlreadyExists", "The specified blob already exists."));
        }
        (Some(tag), Some(current)) if tag == current.etag => return Err(BlobError::CONDITION_NOT_MET),
        _ => {}
    }
    match (text("if-match"), &current) {
        (Some(tag), Some(current)) if tag != "*" && tag != current.etag => Err(BlobError::CONDITION_NOT_MET),
        (Some(_), None) => Err(BlobError::CONDITION_NOT_MET),
        _ => Ok(()),
    }
}

pub(crate) async fn put_blob(
    app: &App,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, BlobError> {
    match headers.get("x-ms-blob-type").map(|kind| kind.as_bytes()) {
        Some(b"BlockBlob") => {}
        Some(_) => {
            return Err(BlobError(
                400,
                "InvalidHeaderValue",
                "The value for x-ms-blob-type is not in the correct format.",
            ));
        }
        None => {
            let message =
                "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.";
            return Err(BlobError(400, "MissingRequiredHeader", message));
        }
    }
    write_conditions(app, name, headers)?;
    let ReceivedBody { scratch, checksum } = app.blobs.receive(body, claims(headers)?).await?;
    damage(app, name)?;
    require_open(app, name)?;
    Ok(stored(&app.blobs.put(name, scratch, app.clock.wall()), &checksum))
}

/// Rejects the write if the submission was committed during the upload: a committed package must not change.
fn require_open(app: &App, name: &str) -> Result<(), BlobError> {
    let state = lock(&app.state);
    match state.submission_of_blob(name) {
        Some((_, sub, _)) if sub.committed.is_none() => Ok(()),
        _ => Err(BlobError(403, "AuthorizationPermissionMismatch", "The submission has been committed.")),
    }
}

/// By quirk, the first bytes of an upload were damaged on the way: once for each kind of checksum.
fn damage(app: &App, name: &str) -> Result<(), BlobError> {
    for (quirk, error) in
        [(Quirk::Crc64Mismatch, ReceiveError::Crc64), (Quirk::Md5Mismatch, ReceiveError::Md5)]
    {
        if app.has(quirk) && lock(&app.state).count(quirk, name) == 0 {
            return Err(error.into());
        }
    }
    Ok(())
}

pub(crate) async fn put_block(
    app: &App,
    name: &str,
    grant: &SasGrant,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, BlobError> {
    let bad = || {
        BlobError(
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
    let ReceivedBody { scratch, checksum } = app.blobs.receive(body, claims(headers)?).await?;
    if scratch.len == 0 {
        return Err(BlobError(400, "InvalidHeaderValue", "A block cannot be empty."));
    }
    damage(app, name)?;
    app.blobs.stage(name, id.clone(), scratch).map_err(|BadBlock| {
        BlobError(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
    })?;
    let mut answer = response(201, "", Body::empty());
    set_header(&mut answer, "x-ms-request-server-encrypted", "true");
    confirm(&mut answer, &checksum);
    Ok(answer)
}

pub(crate) async fn put_list(
    app: &Arc<App>,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, BlobError> {
    let bad = || BlobError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.");
    write_conditions(app, name, headers)?;
    let ReceivedBody { scratch, checksum } = app.blobs.receive(body, claims(headers)?).await?;
    let text = tokio::fs::read_to_string(&scratch.path).await.map_err(|_| bad())?;
    let ids = read_list(&text).ok_or_else(bad)?;
    if ids.len() > MAX_BLOCKS {
        return Err(BlobError(
            400,
            "BlockListTooLong",
            "The block list may not contain more than 50,000 blocks.",
        ));
    }
    require_open(app, name)?;
    let (task_app, blob) = (Arc::clone(app), name.to_owned());
    let joined =
        tokio::task::spawn_blocking(move || task_app.blobs.commit(&blob, &ids, task_app.clock.wall())).await;
    match joined {
        Ok(Ok(content)) => Ok(stored(&content, &checksum)),
        Ok(Err(CommitError::NoSuchBlock)) => {
            Err(BlobError(400, "InvalidBlockList", "The specified block list is invalid."))
        }
        Ok(Err(CommitError::Disk(error))) => Err(ReceiveError::Disk(error).into()),
        Err(error) => Err(ReceiveError::Disk(std::io::Error::other(error)).into()),
    }
}

fn read_list(text: &str) -> Option<Vec<(BlockLookup, String)>> {
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "BlockList" {
        return None;
    }
    let blocks = root.children().filter(roxmltree::Node::is_element).map(|node| {
        let source = match node.tag_name().name() {
            "Latest" => BlockLookup::Latest,
            "Uncommitted" => BlockLookup::Staged,
            "Committed" => BlockLookup::Committed,
            _ => return None,
        };
        Some((source, node.text().unwrap_or_default().trim().to_owned()))
    });
    blocks.collect()
}

fn stored(content: &BlobContent, checksum: &Checksum) -> Response {
    let mut answer = response(201, "", Body::empty());
    describe(&mut answer, content);
    set_header(&mut answer, "x-ms-request-server-encrypted", "true");
    confirm(&mut answer, checksum);
    answer
}

/// Returns the checksum of the body of the request: of a blob, of a block, or of a list of blocks.
fn confirm(answer: &mut Response, checksum: &Checksum) {
    match checksum {
        Checksum::Md5(sum) => set_header(answer, "content-md5", &STANDARD.encode(sum)),
        Checksum::Crc64(sum) => set_header(answer, "x-ms-content-crc64", &STANDARD.encode(sum)),
    }
}
