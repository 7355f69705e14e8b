//! Upload of a package into its slot.

use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use reqwest::{Method, RequestBuilder, Response};
use tokio::time::{Duration, Instant};
use url::Url;

use crate::Client;
use dropship_redact::SafeUrl;

use super::block::Block;
use super::buffers::BLOCK;
use super::error::TransferError;
use super::list::{self, StoredBlocks};
use super::sas;
use super::source::SourceFile;
use super::window::UploadWindow;
use super::wire::{self, CRC64, VERSION};

/// Most blocks of a blob.
const MOST_BLOCKS: u64 = 50_000;

/// The result of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Its length.
    pub bytes: u64,
    /// Number of bytes that were sent now; the store had the rest from an earlier attempt.
    pub sent: u64,
    /// Whether the store confirmed the blob: its checksum, or its length. False if it returned no checksum and the URL does not
    /// grant reading.
    pub verified: bool,
    /// The blob's entity tag.
    pub etag: Option<String>,
}

/// One upload.
struct Upload<'a> {
    client: &'a Client,
    url: &'a Url,
    source: SourceFile,
    progress: &'a (dyn Fn(u64) + Send + Sync),
}

impl Client {
    /// Uploads a file to a signed URL, in parallel blocks with checksums, and verifies the blob. Blocks that the store has from
    /// an earlier attempt are not sent again. `progress` is called with the number of bytes so far. The token is never sent.
    ///
    /// # Errors
    /// See [`TransferError`]; with `Expired` fetch a new URL and call again.
    pub async fn upload(
        &self,
        url: &SafeUrl,
        file: &Path,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Uploaded, TransferError> {
        self.bring(url, file, None, progress).await
    }

    /// The same for a file with this SHA-256 (lower-case hexadecimal), which is computed while the bytes are sent. The blob is
    /// completed only if they have it.
    ///
    /// # Errors
    /// See [`TransferError`]; `Altered` if they are other bytes.
    pub async fn upload_checked(
        &self,
        url: &SafeUrl,
        file: &Path,
        sha256: &str,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Uploaded, TransferError> {
        self.bring(url, file, Some(sha256.to_owned()), progress).await
    }

    async fn bring(
        &self,
        url: &SafeUrl,
        path: &Path,
        expected: Option<String>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Uploaded, TransferError> {
        let target = self.shared.hosts.check(url)?;
        sas::check(target)?;
        let (source, only_block) = SourceFile::open(path, expected, &self.shared.buffers).await?;
        let upload = Upload { client: self, url: target, source, progress };
        if let Some(block) = only_block {
            return upload.as_one_blob(block).await;
        }
        match upload.in_blocks().await {
            Err(error) if is_muddled(&error) => {
                // Blocks of another client, or blocks that the store has discarded: an empty blob removes them all.
                tracing::info!(%error, "the upload slot has blocks of another client; it is emptied and uploaded again");
                upload.put_blob(Bytes::new(), None).await?;
                upload.in_blocks().await
            }
            done => done,
        }
    }
}

impl Upload<'_> {
    /// Uploads the only block of a file as a blob, in one request.
    async fn as_one_blob(&self, block: Block) -> Result<Uploaded, TransferError> {
        let length = self.source.length;
        (self.progress)(0);
        let answer = self.put_blob(block.bytes, Some(&block.crc64)).await?;
        (self.progress)(length);
        // Azure returns the checksum of the bytes that it stored; other stores need not.
        if answer.headers().contains_key(CRC64) {
            return Ok(Uploaded { bytes: length, sent: length, verified: true, etag: etag(&answer) });
        }
        self.verify(length).await
    }

    async fn in_blocks(&self) -> Result<Uploaded, TransferError> {
        (self.progress)(0);
        let stored = self.blocks().await;
        // Not earlier: blocks that are read ahead occupy buffers that other uploads need.
        let mut blocks = self.source.blocks(block_size(self.source.length), &self.client.shared.buffers);
        let count = self.source.length.div_ceil(block_size(self.source.length));
        let mut names = vec![String::new(); usize::try_from(count).unwrap_or(usize::MAX)];
        let (mut more, mut done, mut sent, mut window) = (true, 0, 0, UploadWindow::default());
        let mut in_flight = FuturesUnordered::new();
        while more || !in_flight.is_empty() {
            tokio::select! {
                biased;
                Some(put) = in_flight.next() => {
                    let StagedBlock { index, name, length, took } = put?;
                    done += length;
                    if let Some(took) = took {
                        sent += length;
                        window.record(took, in_flight.len() + 1);
                    }
                    if let Some(slot) = usize::try_from(index).ok().and_then(|index| names.get_mut(index)) {
                        *slot = name;
                    }
                    (self.progress)(done);
                }
                block = blocks.next(&self.source.path), if more && in_flight.len() < window.size => match block? {
                    Some(block) => in_flight.push(self.put_block(block, &stored)),
                    None => more = false,
                },
            }
        }
        if sent > 0 || stored.committed != names {
            self.put_list(&names).await?;
        }
        self.verify(sent).await
    }

    /// Sends one block, unless the store has it.
    async fn put_block(&self, block: Block, stored: &StoredBlocks) -> Result<StagedBlock, TransferError> {
        let (index, length) = (block.index, block.bytes.len() as u64);
        if stored.lengths.get(&block.id) == Some(&length) {
            return Ok(StagedBlock { index, name: block.id, length, took: None });
        }
        let started = Instant::now();
        let query = [("comp", "block"), ("blockid", block.id.as_str())];
        let checked = wire::RequestBody { body: &block.bytes, crc64: Some(&block.crc64) };
        wire::send("put a block", self.client.shared.backoff, Some(checked), || {
            self.request(Method::PUT, &query)
        })
        .await?;
        Ok(StagedBlock { index, name: block.id, length, took: Some(started.elapsed()) })
    }

    /// The blocks that the store has; none if the store does not list them.
    async fn blocks(&self) -> StoredBlocks {
        let query = [("comp", "blocklist"), ("blocklisttype", "all")];
        let answer =
            wire::send("list blocks", self.client.shared.backoff, None, || self.request(Method::GET, &query))
                .await;
        let Ok(answer) = answer else {
            return StoredBlocks::default();
        };
        let text = tokio::time::timeout(wire::SILENCE, wire::text(answer)).await.ok().flatten();
        text.and_then(|text| list::read(&text)).unwrap_or_default()
    }

    async fn put_blob(&self, bytes: Bytes, crc64: Option<&str>) -> Result<Response, TransferError> {
        let sent = wire::RequestBody { body: &bytes, crc64 };
        wire::send("put the blob", self.client.shared.backoff, Some(sent), || {
            Ok(self
                .request(Method::PUT, &[])?
                .header("x-ms-blob-type", "BlockBlob")
                .header(CONTENT_TYPE, "application/octet-stream"))
        })
        .await
    }

    async fn put_list(&self, names: &[String]) -> Result<(), TransferError> {
        let body = Bytes::from(list::write(names));
        let sent = wire::RequestBody { body: &body, crc64: None };
        wire::send("put the block list", self.client.shared.backoff, Some(sent), || {
            Ok(self
                .request(Method::PUT, &[("comp", "blocklist")])?
                .header(CONTENT_TYPE, "application/xml")
                .header("x-ms-blob-content-type", "application/octet-stream"))
        })
        .await
        .map(drop)
    }

    /// Reads the length of the blob. The response to a block list has only the checksum of the list, never one of the blob.
    async fn verify(&self, sent: u64) -> Result<Uploaded, TransferError> {
        let answer = wire::send("ask for the blob's length", self.client.shared.backoff, None, || {
            self.request(Method::HEAD, &[])
        });
        let answer = match answer.await {
            Ok(answer) => answer,
            Err(TransferError::Refused { status: 403, .. }) => {
                tracing::warn!(
                    "The upload URL does not grant reading; the length of the upload is not verified"
                );
                return Ok(Uploaded { bytes: self.source.length, sent, verified: false, etag: None });
            }
            Err(error) => return Err(error),
        };
        match text_of(&answer, CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok()) {
            Some(got) if got == self.source.length => {
                Ok(Uploaded { bytes: self.source.length, sent, verified: true, etag: etag(&answer) })
            }
            got => Err(TransferError::Length {
                what: "the uploaded blob",
                expected: self.source.length,
                got: got.unwrap_or(0),
            }),
        }
    }

    /// A request to the slot: the signed query, followed by these parameters.
    fn request(&self, method: Method, query: &[(&str, &str)]) -> Result<RequestBuilder, TransferError> {
        sas::check(self.url)?;
        let mut url = self.url.clone();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.client.shared.http.blobs.request(method, url).header("x-ms-version", VERSION))
    }
}

/// A block that the store has.
struct StagedBlock {
    index: u64,
    name: String,
    length: u64,
    /// Time that sending took; `None` if the store had it already.
    took: Option<Duration>,
}

/// A header as text.
fn text_of<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

fn etag(answer: &Response) -> Option<String> {
    text_of(answer, ETAG.as_str()).map(str::to_owned)
}

/// Length of the blocks of a file.
fn block_size(length: u64) -> u64 {
    const MIB: u64 = 1024 * 1024;
    (BLOCK as u64).max(length.div_ceil(MOST_BLOCKS).next_multiple_of(MIB))
}

/// Whether the slot has blocks that do not fit these.
fn is_muddled(error: &TransferError) -> bool {
    let TransferError::Refused { status: 400, code: Some(code), .. } = error else {
        return false;
    };
    ["InvalidBlobOrBlock", "InvalidBlockId", "InvalidBlockList"]
        .iter()
        .any(|own| code.eq_ignore_ascii_case(own))
}
