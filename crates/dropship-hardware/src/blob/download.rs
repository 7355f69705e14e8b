//! Download of a file, complete or not at all.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, LOCATION, RANGE,
};
use reqwest::{Method, Response};
use url::Url;

use crate::Client;
use crate::auth::Bearer;
use crate::error::read_body;
use crate::html;
use crate::model::MAX_PACKAGE;
use dropship_redact::SafeUrl;

use super::contents;
use super::error::TransferError;
use super::partial_download::PartialDownload;
use super::rate::DownloadRate;
use super::sas;
use super::wire::{self, VERSION};

const OPERATION: &str = "download";
/// Maximum number of consecutive attempts that each bring fewer than [`MIN_PROGRESS`] bytes.
const MAX_FRUITLESS_ATTEMPTS: u32 = 6;
const MIN_PROGRESS: u64 = 64 * 1024;
/// Maximum number of redirects that are followed.
const MAX_REDIRECTS: u32 = 5;
/// Number of bytes at the start of a file that are checked for being an HTML page.
const CHECKED: usize = 1024;

impl Client {
    /// Downloads a URL into a file: first into `NAME.part`, which continues an earlier attempt, then, complete and synced,
    /// under its name. `progress` is called with the number of bytes so far. Returns the length.
    ///
    /// An HTML page, an empty response or the body of an error is never taken for the file. Redirects are followed without credentials, within the allowed origins. The
    /// token is sent only to the endpoint's own origin.
    ///
    /// # Errors
    /// See [`TransferError`]; with `Expired` fetch a new URL and call again.
    pub async fn download(
        &self,
        url: &SafeUrl,
        to: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        self.download_within(url, to, MAX_PACKAGE, progress).await
    }

    /// The same for a file of at most `max_bytes`: a longer one is refused as soon as that is known.
    ///
    /// # Errors
    /// See [`Self::download`].
    pub async fn download_within(
        &self,
        url: &SafeUrl,
        to: &Path,
        max_bytes: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        self.fetch_file(url, to, (None, true), max_bytes, progress).await
    }

    /// The same for a file that this process reads and deletes: it is not synced. A file of an earlier process is never taken
    /// for a complete download, so a power cut can only cost another one.
    ///
    /// # Errors
    /// See [`Self::download`].
    pub async fn download_staged(
        &self,
        url: &SafeUrl,
        to: &Path,
        max_bytes: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        self.fetch_file(url, to, (None, false), max_bytes, progress).await
    }

    /// The same for a file whose SHA-256 is known: only these bytes get the file's name.
    pub(crate) async fn download_checked(
        &self,
        url: &SafeUrl,
        to: &Path,
        expected: Option<[u8; 32]>,
        max_bytes: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        self.fetch_file(url, to, (expected, true), max_bytes, progress).await
    }

    async fn fetch_file(
        &self,
        url: &SafeUrl,
        to: &Path,
        (expected, durable): (Option<[u8; 32]>, bool),
        max_bytes: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        let target = self.shared.hosts.check(url)?;
        let mut part = PartialDownload::open(to).await?;
        let (mut fruitless_attempts, mut longest) = (0, part.length());
        let mut bearer = self.token_for(target).await?;
        let mut renewed = false;
        loop {
            let before = part.length();
            let error = match self.fetch(target, bearer.as_ref(), &mut part, max_bytes, progress).await {
                Ok(()) => match verify(&mut part, expected).await {
                    Ok(()) => return part.finish(durable).await,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            // The bytes so far are kept, for this call or a later one.
            part.flush().await?;
            match (&error, &bearer) {
                (TransferError::Refused { status: 401, .. }, Some(refused)) if !renewed => {
                    self.shared.tokens.refused(refused).await;
                    bearer = self.token_for(target).await?;
                    renewed = true;
                    continue;
                }
                (TransferError::Refused { status: 412 | 416, .. }, _) if before > 0 => {
                    part.restart(None).await?;
                    continue;
                }
                _ => {}
            }
            // Only bytes beyond those of every earlier attempt count: a server could end each response after one byte, or let
            // the download begin again each time.
            fruitless_attempts = if part.length() >= longest.saturating_add(MIN_PROGRESS) {
                0
            } else {
                fruitless_attempts + 1
            };
            longest = longest.max(part.length());
            let is_final = matches!(error, TransferError::Expired | TransferError::TooLong { .. });
            if !error.is_passing() || is_final || fruitless_attempts >= MAX_FRUITLESS_ATTEMPTS {
                return Err(error);
            }
            tracing::debug!(%error, bytes = part.length(), "a download is continued");
            tokio::time::sleep(self.shared.backoff.delay(fruitless_attempts.min(6))).await;
        }
    }

    async fn token_for(&self, url: &Url) -> Result<Option<Bearer>, TransferError> {
        if !self.shared.hosts.wants_bearer(url) {
            return Ok(None);
        }
        Ok(Some(self.bearer(OPERATION).await?))
    }

    /// Sends one request, and writes the bytes of its response to the part.
    async fn fetch(
        &self,
        url: &Url,
        bearer: Option<&Bearer>,
        part: &mut PartialDownload,
        max_bytes: u64,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), TransferError> {
        let mut answer = self.follow(url, bearer, part).await?;
        if is_all(&answer, part) {
            return Ok(());
        }
        if !answer.status().is_success() {
            return Err(wire::refusal(OPERATION, answer).await);
        }
        let total = begin(&answer, part).await?;
        if total.is_some_and(|total| total > max_bytes) {
            return Err(too_long(part, max_bytes).await?);
        }
        part.check_space(total).await?;
        let mut rate = DownloadRate::from(part.length());
        progress(part.length());
        // Only the start of a file can show that it is a page.
        let mut head = if part.length() == 0 { Vec::new() } else { vec![0; CHECKED] };
        let headers = answer.headers().clone();
        loop {
            let silent = || TransferError::Network {
                operation: OPERATION,
                message: format!("no byte came for {} s", wire::SILENCE.as_secs()),
            };
            let chunk = tokio::time::timeout(wire::SILENCE, answer.chunk()).await.map_err(|_| silent())?;
            let Some(chunk) = chunk.map_err(|error| TransferError::network(OPERATION, error))? else {
                break;
            };
            if head.len() < CHECKED {
                head.extend_from_slice(chunk.get(..CHECKED).unwrap_or(&chunk));
                refuse_page(&headers, &head, part).await?;
            }
            part.push(&chunk).await?;
            if part.length() > max_bytes {
                return Err(too_long(part, max_bytes).await?);
            }
            rate.check(part.length())?;
            progress(part.length());
        }
        match total {
            Some(expected) if expected != part.length() => {
                let got = part.length();
                if got > expected {
                    part.restart(None).await?;
                }
                Err(TransferError::Length { what: "the download", expected, got })
            }
            _ => Ok(()),
        }
    }

    /// Sends the request for the rest of a part, and follows redirects. A redirect never gets the token.
    async fn follow(
        &self,
        url: &Url,
        bearer: Option<&Bearer>,
        part: &PartialDownload,
    ) -> Result<Response, TransferError> {
        let mut redirect: Option<SafeUrl> = None;
        for _ in 0..=MAX_REDIRECTS {
            let target = match &redirect {
                None => url,
                Some(redirect) => self.shared.hosts.check(redirect)?,
            };
            sas::check(target)?;
            let http = &self.shared.http.blobs;
            let mut request = http
                .request(Method::GET, target.clone())
                .header(ACCEPT_ENCODING, "identity")
                .header("x-ms-version", VERSION);
            if let (Some(bearer), None) = (bearer, &redirect) {
                request = request.header(AUTHORIZATION, bearer.header.clone());
            }
            if let Some(tag) = part.tag() {
                request = request.header(RANGE, format!("bytes={}-", part.length())).header(IF_MATCH, tag);
            }
            let answer = wire::once(OPERATION, request, None).await?;
            let Some(location) = location(&answer) else { return Ok(answer) };
            let refused = |message: String| TransferError::Refused {
                operation: OPERATION,
                status: answer.status().as_u16(),
                code: None,
                message,
            };
            let next = target
                .join(&location)
                .map_err(|error| refused(format!("a redirect to no usable URL: {error}")))?;
            redirect = Some(SafeUrl::new(next));
        }
        let message = format!("more than {MAX_REDIRECTS} redirects");
        Err(TransferError::Refused { operation: OPERATION, status: 302, code: None, message })
    }
}

/// The target of a redirect.
fn location(answer: &Response) -> Option<String> {
    let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).trim().to_owned())
}

/// The error of a download that is longer than it can be; its bytes are not kept.
async fn too_long(part: &mut PartialDownload, max_bytes: u64) -> Result<TransferError, TransferError> {
    part.restart(None).await?;
    Ok(TransferError::TooLong { max_bytes })
}

/// Refuses a response that is an HTML page; its bytes are not kept.
async fn refuse_page(
    headers: &HeaderMap,
    head: &[u8],
    part: &mut PartialDownload,
) -> Result<(), TransferError> {
    if !html::is_response(headers, head) {
        return Ok(());
    }
    part.restart(None).await?;
    Err(TransferError::Page { page_title: read_body(head).message })
}

/// Checks a complete part: its SHA-256 if that is known, otherwise its contents. Wrong bytes are not kept.
async fn verify(part: &mut PartialDownload, expected: Option<[u8; 32]>) -> Result<(), TransferError> {
    let Some(expected) = expected else { return contents::check(part).await };
    let got = part.sha256().await?;
    if got == expected {
        return Ok(());
    }
    part.restart(None).await?;
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Err(TransferError::Digest { expected: hex(expected), got: hex(got) })
}

/// The SHA-256 in a text: hexadecimal or base64.
pub(crate) fn read_sha256(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() == 64 && text.is_ascii() {
        let byte = |at: usize| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok();
        let bytes: Vec<u8> = (0..32).map(byte).collect::<Option<_>>()?;
        return bytes.try_into().ok();
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Whether the store has no more bytes than the part: an earlier attempt ended just before the rename.
fn is_all(answer: &Response, part: &PartialDownload) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let total =
        range.and_then(|range| range.trim().strip_prefix("bytes")?.trim().strip_prefix("*/")?.parse().ok());
    answer.status().as_u16() == 416 && part.length() > 0 && total == Some(part.length())
}

/// Sets the part to the start of the response; returns the length of the whole file if it is known.
async fn begin(answer: &Response, part: &mut PartialDownload) -> Result<Option<u64>, TransferError> {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = header(ETAG);
    let length: Option<u64> = header(CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
    if answer.status().as_u16() == 206 {
        let range = header(CONTENT_RANGE).and_then(range);
        return match range {
            // A response without a tag is accepted by its position: the request named the tag.
            Some((start, total)) if start == part.length() && (tag.is_none() || tag == part.tag()) => {
                Ok(total)
            }
            _ => {
                part.restart(None).await?;
                let message = "the response starts at another position than was requested".to_owned();
                Err(TransferError::Network { operation: OPERATION, message })
            }
        };
    }
    part.restart(tag).await?;
    Ok(length)
}

/// Start and whole length of `bytes 5-9/10`.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (span, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let (start, _) = span.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_read_in_both_forms() {
        let digest: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).expect("small"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(read_sha256(&hex), Some(digest));
        assert_eq!(read_sha256(&STANDARD.encode(digest)), Some(digest));
        assert_eq!(read_sha256("abc"), None);
        assert_eq!(read_sha256(""), None);
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 0-0/*"), Some((0, None)));
        assert_eq!(range("bytes */10"), None);
    }
}
