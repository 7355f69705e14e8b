//! Download of a result, whole or not at all.

use std::path::Path;

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, RANGE};
use reqwest::{Method, Response};
use url::Url;

use crate::Client;
use crate::auth::Bearer;
use dropship_redact::SafeUrl;

use super::error::TransferError;
use super::part::Part;
use super::sas;
use super::wire::{self, VERSION};

const OPERATION: &str = "download";
/// Attempts in a row that bring no byte.
const FRUITLESS: u32 = 6;

impl Client {
    /// Downloads a URL into a file: into `NAME.part` first, taken up where an earlier attempt ended, verified
    /// by length, synced, then renamed. `progress` is told the bytes that are there so far. Returns the
    /// length. Our token goes along only to the endpoint's own origin.
    ///
    /// # Errors
    /// See [`TransferError`]; with `Expired` fetch a fresh URL and call again.
    pub async fn download(
        &self,
        url: &SafeUrl,
        to: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64, TransferError> {
        let target = self.shared.hosts.check(url)?;
        let mut part = Part::open(to).await?;
        let mut fruitless = 0;
        let mut bearer = self.token_for(target).await?;
        let mut renewed = false;
        loop {
            let before = part.length();
            let error = match self.fetch(target, bearer.as_ref(), &mut part, progress).await {
                Ok(()) => return part.finish().await,
                Err(error) => error,
            };
            // What came is kept, for this call or a later one.
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
            fruitless = if part.length() > before { 0 } else { fruitless + 1 };
            if !error.is_passing() || matches!(error, TransferError::Expired) || fruitless >= FRUITLESS {
                return Err(error);
            }
            tracing::debug!(%error, there = part.length(), "A download goes on");
            tokio::time::sleep(self.shared.backoff.delay(fruitless.min(6))).await;
        }
    }

    async fn token_for(&self, url: &Url) -> Result<Option<Bearer>, TransferError> {
        if !self.shared.hosts.wants_bearer(url) {
            return Ok(None);
        }
        Ok(Some(self.bearer(OPERATION).await?))
    }

    /// One request; whatever it brings goes into the part.
    async fn fetch(
        &self,
        url: &Url,
        bearer: Option<&Bearer>,
        part: &mut Part,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), TransferError> {
        sas::check(url)?;
        let mut request = self
            .shared
            .http
            .blobs
            .request(Method::GET, url.clone())
            .header(ACCEPT_ENCODING, "identity")
            .header("x-ms-version", VERSION);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer.header.clone());
        }
        if let Some(tag) = part.tag() {
            request = request.header(RANGE, format!("bytes={}-", part.length())).header(IF_MATCH, tag);
        }
        let mut answer = wire::once(OPERATION, request, None).await?;
        if is_all(&answer, part) {
            return Ok(());
        }
        if !answer.status().is_success() {
            return Err(wire::refusal(OPERATION, answer).await);
        }
        let total = begin(&answer, part).await?;
        progress(part.length());
        loop {
            let silent = || TransferError::Network {
                operation: OPERATION,
                message: "nothing came for long".to_owned(),
            };
            let chunk = tokio::time::timeout(wire::SILENCE, answer.chunk()).await.map_err(|_| silent())?;
            let Some(chunk) = chunk.map_err(|error| TransferError::network(OPERATION, error))? else {
                break;
            };
            part.push(&chunk).await?;
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
}

/// Whether the store says that there is nothing behind what we have: an attempt ended just before the rename.
fn is_all(answer: &Response, part: &Part) -> bool {
    let range = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let total =
        range.and_then(|range| range.trim().strip_prefix("bytes")?.trim().strip_prefix("*/")?.parse().ok());
    answer.status().as_u16() == 416 && part.length() > 0 && total == Some(part.length())
}

/// Sets the part to where the answer begins; returns the whole length if it is known.
async fn begin(answer: &Response, part: &mut Part) -> Result<Option<u64>, TransferError> {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = header(ETAG);
    let length: Option<u64> = header(CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
    if answer.status().as_u16() == 206 {
        let range = header(CONTENT_RANGE).and_then(range);
        return match range {
            // An answer without a tag is taken by its place: the request was bound to ours.
            Some((start, total)) if start == part.length() && (tag.is_none() || tag == part.tag()) => {
                Ok(total)
            }
            _ => {
                part.restart(None).await?;
                let message = "the answer begins at another place than was asked for".to_owned();
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
    fn ranges_are_read() {
        assert_eq!(range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(range("bytes 0-0/*"), Some((0, None)));
        assert_eq!(range("bytes */10"), None);
    }
}
