//! Requests to the blob store: repetition, silence, refusals.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{RequestBuilder, Response};

use crate::backoff::Backoff;
use crate::body;
use crate::error::read_body;
use crate::html;
use crate::retry_after;
use dropship_redact::mask;

use super::error::TransferError;
use super::sas;

/// Version of the blob protocol; [`CRC64`] requires at least 2019-02-02.
pub(super) const VERSION: &str = "2021-12-02";
/// CRC-64 of a body: the store refuses a body that has another one, and returns that of the bytes that it received.
pub(super) const CRC64: &str = "x-ms-content-crc64";
/// A connection on which no byte moves for this long has failed.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
/// Maximum number of repetitions of a request.
const REPEATS: u32 = 6;
/// Maximum delay before a repetition.
const LONGEST: Duration = Duration::from_secs(30);
/// Length of the slices in which a body is sent.
const SLICE: usize = 256 * 1024;
/// Maximum length of a checksum in a message, in characters.
const MAX_SHOWN: usize = 64;
/// Maximum length of a response that is read, in bytes.
const MAX_LENGTH: usize = 8 << 20;

/// The body of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestBody<'a> {
    pub(super) body: &'a Bytes,
    /// Its CRC-64, if the store is to verify it.
    pub(super) crc64: Option<&'a str>,
}

/// Sends a request until it succeeds, the store refuses it, or its repetitions are used up. A response that names another
/// checksum than that of the body is no success.
pub(super) async fn send<F>(
    operation: &'static str,
    backoff: Backoff,
    sent: Option<RequestBody<'_>>,
    request: F,
) -> Result<Response, TransferError>
where
    F: Fn() -> Result<RequestBuilder, TransferError>,
{
    let mut repeats = 0;
    loop {
        let (error, retry_after) = match once(operation, request()?, sent).await {
            Ok(answer) if answer.status().is_success() && !html::is_declared(answer.headers()) => {
                match damage(operation, &answer, sent) {
                    None => return Ok(answer),
                    Some(error) => (error, None),
                }
            }
            Ok(answer) => {
                let retry_after = retry_after::read(answer.headers());
                (refusal(operation, answer).await, retry_after)
            }
            Err(error) => (error, None),
        };
        let passing = error.is_passing() && !matches!(error, TransferError::Expired);
        let delay = retry_after.unwrap_or_else(|| backoff.delay(repeats).min(LONGEST));
        if !passing || repeats == REPEATS || delay > LONGEST {
            return Err(error);
        }
        tracing::debug!(operation, %error, "A request to the blob store is repeated");
        tokio::time::sleep(delay).await;
        repeats += 1;
    }
}

/// Sends one request; fails when no byte moves for [`SILENCE`].
pub(super) async fn once(
    operation: &'static str,
    request: RequestBuilder,
    sent: Option<RequestBody<'_>>,
) -> Result<Response, TransferError> {
    let moved = Arc::new(AtomicU64::new(0));
    let mut request = request;
    if let Some(RequestBody { body, crc64 }) = sent {
        request = request.header(CONTENT_LENGTH, body.len()).body(sliced(body.clone(), &moved));
        if let Some(crc64) = crc64 {
            request = request.header(CRC64, crc64);
        }
    }
    let answer = unless_silent(&moved, request.send()).await;
    let silent = || TransferError::Network {
        operation,
        message: format!("nothing moved for {} s", SILENCE.as_secs()),
    };
    answer.ok_or_else(silent)?.map_err(|error| TransferError::network(operation, error))
}

/// The error if the store returns the checksum of other bytes than were sent.
fn damage(
    operation: &'static str,
    answer: &Response,
    sent: Option<RequestBody<'_>>,
) -> Option<TransferError> {
    let expected = sent?.crc64?;
    let got = answer.headers().get(CRC64)?;
    (got.as_bytes() != expected.as_bytes()).then(|| TransferError::Stored {
        operation,
        expected: expected.to_owned(),
        got: mask(&String::from_utf8_lossy(got.as_bytes())).chars().take(MAX_SHOWN).collect(),
    })
}

/// The body in slices of the same memory, counting how many were taken.
fn sliced(bytes: Bytes, moved: &Arc<AtomicU64>) -> reqwest::Body {
    let moved = Arc::clone(moved);
    reqwest::Body::wrap_stream(stream::unfold(bytes, move |mut rest| {
        moved.fetch_add(1, Ordering::Relaxed);
        async move {
            if rest.is_empty() {
                return None;
            }
            let slice = rest.split_to(rest.len().min(SLICE));
            Some((Ok::<_, std::io::Error>(slice), rest))
        }
    }))
}

/// Runs a future until it is done, or nothing has moved for too long.
async fn unless_silent<T>(moved: &AtomicU64, future: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(future);
    let mut last = moved.load(Ordering::Relaxed);
    loop {
        match tokio::time::timeout(SILENCE, &mut future).await {
            Ok(done) => return Some(done),
            Err(_) => {
                let now = moved.load(Ordering::Relaxed);
                if now == last {
                    return None;
                }
                last = now;
            }
        }
    }
}

/// The error of a response without success, or with an HTML page in place of the store's response.
pub(super) async fn refusal(operation: &'static str, answer: Response) -> TransferError {
    let status = answer.status().as_u16();
    let is_declared = html::is_declared(answer.headers());
    let header = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok()).map(mask);
    let body = tokio::time::timeout(SILENCE, body::start(answer)).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let body = body.strip_prefix('\u{feff}').unwrap_or(&body);
    let (code, message) = read_error(body);
    let code = header.or(code);
    let is_page = code.is_none() && (is_declared || html::is_page(body.as_bytes()));
    if status == 407 || (is_page && matches!(status, 200..=299 | 403 | 500..=599)) {
        return TransferError::Proxy { operation, status, page_title: message };
    }
    if sas::is_expiry(status, code.as_deref(), &message) {
        return TransferError::Expired;
    }
    let message = match (message.is_empty(), status) {
        (true, 300..=399) => "a redirect, which is never followed".to_owned(),
        (true, _) => "it gave no reason".to_owned(),
        (false, _) => message,
    };
    TransferError::Refused { operation, status, code, message }
}

/// Reads a response's body as text; `None` if it breaks off or is longer than [`MAX_LENGTH`].
pub(super) async fn text(answer: Response) -> Option<String> {
    let body = body::read_all(answer, MAX_LENGTH).await.ok()?;
    let text = String::from_utf8_lossy(&body);
    Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// Code and message of an error of the store: XML, or another form.
pub(super) fn read_error(body: &str) -> (Option<String>, String) {
    if let Ok(document) = roxmltree::Document::parse(body) {
        let text = |name| {
            let node = document.descendants().find(|node| node.has_tag_name(name))?;
            node.text().map(|text| mask(text.trim()))
        };
        if let Some(code) = text("Code") {
            let detail =
                text("AuthenticationErrorDetail").map(|detail| format!(" ({detail})")).unwrap_or_default();
            let message = text("Message").unwrap_or_default();
            let first = message.lines().next().unwrap_or_default().trim().to_owned();
            return (Some(code), first + &detail);
        }
    }
    let body = read_body(body.as_bytes());
    (body.code, body.message)
}
