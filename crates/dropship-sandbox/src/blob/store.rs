//! Block blobs on disk. Uploads are streamed to files in a scratch folder; a file is removed with its last reference.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use crc64fast_nvme::Digest as Crc64;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::lock::lock;

/// Size of the write buffer in bytes.
const BUFFER: usize = 1 << 20;

/// All blobs of a sandbox.
#[derive(Debug)]
pub(crate) struct BlobStore {
    dir: TempDir,
    entries: Mutex<HashMap<String, Blob>>,
    serial: AtomicU64,
}

#[derive(Debug, Default)]
struct Blob {
    content: Option<Arc<BlobContent>>,
    staged: BTreeMap<String, Arc<ScratchFile>>,
    committed: Vec<(String, Arc<ScratchFile>)>,
}

/// A file in the scratch folder, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, path = %self.path.display(), "cannot remove a scratch file of the sandbox: {error}");
        }
    }
}

/// The content of a blob.
#[derive(Debug)]
pub(crate) struct BlobContent {
    pub(crate) scratch: Arc<ScratchFile>,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
}

/// Id and size of a block.
pub(crate) type ListedBlock = (String, u64);

/// Length and checksums that the sender announced.
#[derive(Debug, Default)]
pub(crate) struct AnnouncedBody {
    pub(crate) length: u64,
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) crc64: Option<Vec<u8>>,
}

/// A body that was received.
#[derive(Debug)]
pub(crate) struct ReceivedBody {
    pub(crate) scratch: ScratchFile,
    pub(crate) checksum: Checksum,
}

/// The checksum that a response returns: that of the kind that the request has, or else the CRC-64.
#[derive(Debug)]
pub(crate) enum Checksum {
    Md5(Vec<u8>),
    Crc64(Vec<u8>),
}

/// Why a body was not stored.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// The body is shorter or longer than announced.
    Length,
    Md5,
    Crc64,
    Disk(io::Error),
}

impl std::convert::From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl BlobStore {
    pub(crate) fn new() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("dropship-sandbox-").tempdir()?;
        Ok(Self { dir, entries: Mutex::default(), serial: AtomicU64::new(0) })
    }

    /// An unused path in the scratch folder.
    pub(crate) fn scratch_path(&self) -> PathBuf {
        self.dir.path().join(self.serial.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Streams a body to a file and checks it against the announced length and checksums.
    pub(crate) async fn receive(
        &self,
        body: Body,
        claims: AnnouncedBody,
    ) -> Result<ReceivedBody, ReceiveError> {
        let mut scratch = ScratchFile { path: self.scratch_path(), len: 0 };
        // Each write is a task on another thread, so write in large pieces.
        let file = tokio::fs::File::create(&scratch.path).await?;
        let mut file = tokio::io::BufWriter::with_capacity(BUFFER, file);
        let mut md5 = claims.md5.is_some().then(Md5::new);
        let mut crc = Crc64::new();
        let mut body = body.into_data_stream();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|_| ReceiveError::Length)?;
            if let Some(md5) = &mut md5 {
                md5.update(&bytes);
            }
            crc.write(&bytes);
            file.write_all(&bytes).await?;
            scratch.len += bytes.len() as u64;
        }
        file.flush().await?;
        if scratch.len != claims.length {
            return Err(ReceiveError::Length);
        }
        let md5 = md5.map(|md5| md5.finalize().to_vec());
        if md5 != claims.md5 {
            return Err(ReceiveError::Md5);
        }
        // The storage service sends and takes the checksum with its lowest byte first.
        let crc = crc.sum64().to_le_bytes().to_vec();
        if claims.crc64.is_some_and(|claimed| claimed != crc) {
            return Err(ReceiveError::Crc64);
        }
        Ok(ReceivedBody { scratch, checksum: md5.map_or(Checksum::Crc64(crc), Checksum::Md5) })
    }

    /// The content of a blob, if it has any.
    pub(crate) fn content(&self, name: &str) -> Option<Arc<BlobContent>> {
        lock(&self.entries).get(name).and_then(|blob| blob.content.clone())
    }

    /// Replaces the content of a blob.
    pub(crate) fn put(&self, name: &str, scratch: ScratchFile, now: Timestamp) -> Arc<BlobContent> {
        self.install(name, Arc::new(scratch), Vec::new(), now)
    }

    /// Sets the content of a blob unless it has content already. Returns the content that the blob has then.
    pub(crate) fn put_new(&self, name: &str, scratch: ScratchFile, now: Timestamp) -> Arc<BlobContent> {
        let content = self.content_of(Arc::new(scratch), now);
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        Arc::clone(blob.content.get_or_insert(content))
    }

    fn content_of(&self, scratch: Arc<ScratchFile>, now: Timestamp) -> Arc<BlobContent> {
        let etag = format!("\"0x8D{:013X}\"", self.serial.fetch_add(1, Ordering::Relaxed) + 0xA_0000_0000);
        Arc::new(BlobContent { scratch, etag, modified: now })
    }

    fn install(
        &self,
        name: &str,
        scratch: Arc<ScratchFile>,
        committed: Vec<(String, Arc<ScratchFile>)>,
        now: Timestamp,
    ) -> Arc<BlobContent> {
        let content = self.content_of(scratch, now);
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        *blob = Blob { content: Some(Arc::clone(&content)), staged: BTreeMap::new(), committed };
        content
    }

    /// Stages a block until a block list commits it.
    ///
    /// # Errors
    /// When the id has another length than the ids of the other blocks.
    pub(crate) fn stage(&self, name: &str, id: String, scratch: ScratchFile) -> Result<(), BadBlock> {
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        let others = blob.staged.keys().chain(blob.committed.iter().map(|(id, _)| id));
        if others.into_iter().any(|other| other.len() != id.len()) {
            return Err(BadBlock);
        }
        blob.staged.insert(id, Arc::new(scratch));
        Ok(())
    }

    /// Commits the blocks of a list, in its order.
    ///
    /// # Errors
    /// When a block was not uploaded, or the disk fails.
    pub(crate) fn commit(
        &self,
        name: &str,
        ids: &[(BlockLookup, String)],
        now: Timestamp,
    ) -> Result<Arc<BlobContent>, CommitError> {
        let mut blocks = Vec::with_capacity(ids.len());
        {
            let entries = lock(&self.entries);
            let blob = entries.get(name);
            for (from, id) in ids {
                let staged = blob.and_then(|blob| blob.staged.get(id));
                let committed = blob.and_then(|blob| {
                    blob.committed
                        .iter()
                        .find(|(committed_id, _)| committed_id == id)
                        .map(|(_, committed)| committed)
                });
                let scratch = match from {
                    BlockLookup::Staged => staged,
                    BlockLookup::Committed => committed,
                    BlockLookup::Latest => staged.or(committed),
                };
                blocks.push((id.clone(), Arc::clone(scratch.ok_or(CommitError::NoSuchBlock)?)));
            }
        }
        let joined = join(&self.scratch_path(), blocks.iter().map(|(_, scratch)| scratch.as_ref()))?;
        Ok(self.install(name, Arc::new(joined), blocks, now))
    }

    /// The committed and the uncommitted blocks of a blob.
    pub(crate) fn blocks(&self, name: &str) -> (Vec<ListedBlock>, Vec<ListedBlock>) {
        let entries = lock(&self.entries);
        let Some(blob) = entries.get(name) else {
            return Default::default();
        };
        let sizes = |(id, scratch): (&String, &Arc<ScratchFile>)| (id.clone(), scratch.len);
        (
            blob.committed.iter().map(|(id, scratch)| sizes((id, scratch))).collect(),
            blob.staged.iter().map(sizes).collect(),
        )
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).clear();
    }
}

/// Where a block list looks for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockLookup {
    Latest,
    Staged,
    Committed,
}

/// A block id with another length than the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadBlock;

/// Why a block list was not committed.
#[derive(Debug)]
pub(crate) enum CommitError {
    NoSuchBlock,
    Disk(io::Error),
}

impl std::convert::From<io::Error> for CommitError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Concatenates pieces. The kernel copies the bytes, so memory use does not grow with their size.
fn join<'a>(path: &Path, files: impl Iterator<Item = &'a ScratchFile>) -> io::Result<ScratchFile> {
    let mut joined = ScratchFile { path: path.to_owned(), len: 0 };
    let mut target = File::create(path)?;
    for file in files {
        joined.len += io::copy(&mut File::open(&file.path)?, &mut target)?;
    }
    Ok(joined)
}
