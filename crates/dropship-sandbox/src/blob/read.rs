//! Reads from the blob store: blobs, ranges and block lists.

use std::io::SeekFrom;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::blob::reply::{BlobError, describe};
use crate::blob::sas::SasGrant;
use crate::blob::store::{BlobContent, ReceiveError};
use crate::reply::{response, set_header};

pub(crate) fn block_list(app: &App, name: &str, grant: &SasGrant) -> Response {
    let (committed, staged) = app.blobs.blocks(name);
    let kind = grant.fields.get("blocklisttype").map_or("committed", String::as_str);
    let list = |tag: &str, blocks: &[(String, u64)]| {
        let blocks =
            blocks.iter().map(|(id, len)| format!("<Block><Name>{id}</Name><Size>{len}</Size></Block>"));
        format!("<{tag}>{}</{tag}>", blocks.collect::<String>())
    };
    let mut body = String::from("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    if kind != "uncommitted" {
        body += &list("CommittedBlocks", &committed);
    }
    if kind != "committed" {
        body += &list("UncommittedBlocks", &staged);
    }
    body += "</BlockList>";
    let mut answer = response(200, "application/xml", body);
    if let Some(content) = app.blobs.content(name) {
        describe(&mut answer, &content);
        set_header(&mut answer, "x-ms-blob-content-length", &content.scratch.len.to_string());
    }
    answer
}

/// The first and last byte of the requested range; `None` for the whole blob.
fn range(headers: &HeaderMap, len: u64) -> Result<Option<(u64, u64)>, BlobError> {
    let Some(text) =
        headers.get("x-ms-range").or_else(|| headers.get("range")).and_then(|range| range.to_str().ok())
    else {
        return Ok(None);
    };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let Ok(first) = first.parse::<u64>() else {
        return Ok(None);
    };
    if first >= len {
        return Err(BlobError(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        ));
    }
    Ok(Some((first, last.parse().unwrap_or(u64::MAX).min(len - 1))))
}

pub(crate) async fn download(
    content: &BlobContent,
    grant: &SasGrant,
    headers: &HeaderMap,
    is_head: bool,
) -> Result<Response, BlobError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("if-match").is_some_and(|tag| tag != "*" && tag != content.etag) {
        return Err(BlobError::CONDITION_NOT_MET);
    }
    if text("if-none-match").is_some_and(|tag| tag == "*" || tag == content.etag) {
        return Ok(response(304, "", Body::empty()));
    }
    let len = content.scratch.len;
    let part = if is_head { None } else { range(headers, len)? };
    let (first, size) = part.map_or((0, len), |(first, last)| (first, last - first + 1));
    let body = if is_head {
        Body::empty()
    } else {
        let broken = |error| BlobError::from(ReceiveError::Disk(error));
        let mut file = tokio::fs::File::open(&content.scratch.path).await.map_err(broken)?;
        file.seek(SeekFrom::Start(first)).await.map_err(broken)?;
        Body::from_stream(ReaderStream::with_capacity(file.take(size), 256 * 1024))
    };
    let mut answer = response(if part.is_some() { 206 } else { 200 }, "application/octet-stream", body);
    describe(&mut answer, content);
    set_header(&mut answer, "content-length", &size.to_string());
    set_header(&mut answer, "accept-ranges", "bytes");
    set_header(&mut answer, "x-ms-blob-type", "BlockBlob");
    set_header(&mut answer, "x-ms-lease-status", "unlocked");
    if let Some((first, last)) = part {
        set_header(&mut answer, "content-range", &format!("bytes {first}-{last}/{len}"));
    }
    if !grant.disposition.is_empty() {
        set_header(&mut answer, "content-disposition", &grant.disposition);
    }
    Ok(answer)
}
