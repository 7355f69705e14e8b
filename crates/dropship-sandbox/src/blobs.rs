//! Block blobs on disk: pieces are streamed into files of a scratch folder and go when nothing holds them.

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

use super::lock;

/// How much of an upload is gathered before it is written.
const BUFFER: usize = 1 << 20;

/// All blobs of a sandbox.
#[derive(Debug)]
pub(super) struct BlobStore {
    dir: TempDir,
    entries: Mutex<HashMap<String, Blob>>,
    serial: AtomicU64,
}

#[derive(Debug, Default)]
struct Blob {
    content: Option<Arc<Content>>,
    staged: BTreeMap<String, Arc<Piece>>,
    committed: Vec<(String, Arc<Piece>)>,
}

/// A file of the scratch folder, removed with its last holder.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) len: u64,
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, path = %self.path.display(), "a scratch file stays");
        }
    }
}

/// What a blob holds.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) piece: Arc<Piece>,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
}

/// A block as a list of blocks names it, with its length.
pub(super) type Block = (String, u64);

/// What a sender says that its bytes are.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) length: u64,
    pub(super) md5: Option<Vec<u8>>,
    pub(super) crc64: Option<Vec<u8>>,
}

/// Why bytes were not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// The body ended before, or ran past, the length that was announced.
    Length,
    Md5,
    Crc64,
    Disk(io::Error),
}

impl std::convert::From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl BlobStore {
    pub(super) fn new() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("dropship-sandbox-").tempdir()?;
        Ok(Self { dir, entries: Mutex::default(), serial: AtomicU64::new(0) })
    }

    /// A name in the scratch folder that nothing has.
    pub(super) fn scratch(&self) -> PathBuf {
        self.dir.path().join(self.serial.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Streams a body into a file and holds it to what was claimed of it.
    pub(super) async fn receive(&self, body: Body, claims: Claims) -> Result<Piece, Refused> {
        let mut piece = Piece { path: self.scratch(), len: 0 };
        // Few large writes: each is a trip to another thread.
        let file = tokio::fs::File::create(&piece.path).await?;
        let mut file = tokio::io::BufWriter::with_capacity(BUFFER, file);
        let mut md5 = claims.md5.is_some().then(Md5::new);
        let mut crc = claims.crc64.is_some().then(Crc64::new);
        let mut body = body.into_data_stream();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|_| Refused::Length)?;
            if let Some(md5) = &mut md5 {
                md5.update(&bytes);
            }
            if let Some(crc) = &mut crc {
                crc.write(&bytes);
            }
            file.write_all(&bytes).await?;
            piece.len += bytes.len() as u64;
        }
        file.flush().await?;
        if piece.len != claims.length {
            return Err(Refused::Length);
        }
        if md5.is_some_and(|md5| Some(md5.finalize().to_vec()) != claims.md5) {
            return Err(Refused::Md5);
        }
        // The storage service sends and takes the checksum with its lowest byte first.
        if crc.is_some_and(|crc| Some(crc.sum64().to_le_bytes().to_vec()) != claims.crc64) {
            return Err(Refused::Crc64);
        }
        Ok(piece)
    }

    /// What a blob holds, if anything.
    pub(super) fn content(&self, name: &str) -> Option<Arc<Content>> {
        lock(&self.entries).get(name).and_then(|blob| blob.content.clone())
    }

    /// Makes a piece the whole of a blob.
    pub(super) fn put(&self, name: &str, piece: Piece, now: Timestamp) -> Arc<Content> {
        self.install(name, Arc::new(piece), Vec::new(), now)
    }

    /// Makes a piece the whole of a blob unless it has content already; gives what it holds then.
    pub(super) fn put_new(&self, name: &str, piece: Piece, now: Timestamp) -> Arc<Content> {
        let made = self.content_of(Arc::new(piece), now);
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        Arc::clone(blob.content.get_or_insert(made))
    }

    fn content_of(&self, piece: Arc<Piece>, now: Timestamp) -> Arc<Content> {
        let etag = format!("\"0x8D{:013X}\"", self.serial.fetch_add(1, Ordering::Relaxed) + 0xA_0000_0000);
        Arc::new(Content { piece, etag, modified: now })
    }

    fn install(
        &self,
        name: &str,
        piece: Arc<Piece>,
        committed: Vec<(String, Arc<Piece>)>,
        now: Timestamp,
    ) -> Arc<Content> {
        let content = self.content_of(piece, now);
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        *blob = Blob { content: Some(Arc::clone(&content)), staged: BTreeMap::new(), committed };
        content
    }

    /// Keeps a block until a list of blocks names it.
    ///
    /// # Errors
    /// The ids of a blob's blocks must be of one length.
    pub(super) fn stage(&self, name: &str, id: String, piece: Piece) -> Result<(), BadBlock> {
        let mut entries = lock(&self.entries);
        let blob = entries.entry(name.to_owned()).or_default();
        let others = blob.staged.keys().chain(blob.committed.iter().map(|(id, _)| id));
        if others.into_iter().any(|other| other.len() != id.len()) {
            return Err(BadBlock);
        }
        blob.staged.insert(id, Arc::new(piece));
        Ok(())
    }

    /// Makes a blob of the blocks that a list names, in its order.
    ///
    /// # Errors
    /// A block that was never sent; or the disk.
    pub(super) fn commit(
        &self,
        name: &str,
        ids: &[(Source, String)],
        now: Timestamp,
    ) -> Result<Arc<Content>, CommitError> {
        let mut blocks = Vec::with_capacity(ids.len());
        {
            let entries = lock(&self.entries);
            let blob = entries.get(name);
            for (from, id) in ids {
                let staged = blob.and_then(|blob| blob.staged.get(id));
                let committed =
                    blob.and_then(|blob| blob.committed.iter().find(|(held, _)| held == id).map(|(_, p)| p));
                let piece = match from {
                    Source::Staged => staged,
                    Source::Committed => committed,
                    Source::Latest => staged.or(committed),
                };
                blocks.push((id.clone(), Arc::clone(piece.ok_or(CommitError::NoSuchBlock)?)));
            }
        }
        let whole = join(&self.scratch(), blocks.iter().map(|(_, piece)| piece.as_ref()))?;
        Ok(self.install(name, Arc::new(whole), blocks, now))
    }

    /// The committed and the uncommitted blocks of a blob.
    pub(super) fn blocks(&self, name: &str) -> (Vec<Block>, Vec<Block>) {
        let entries = lock(&self.entries);
        let Some(blob) = entries.get(name) else {
            return Default::default();
        };
        let sizes = |(id, piece): (&String, &Arc<Piece>)| (id.clone(), piece.len);
        (
            blob.committed.iter().map(|(id, piece)| sizes((id, piece))).collect(),
            blob.staged.iter().map(sizes).collect(),
        )
    }

    pub(super) fn clear(&self) {
        lock(&self.entries).clear();
    }
}

/// Which of a blob's blocks a list means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Latest,
    Staged,
    Committed,
}

/// A block id that does not fit the others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadBlock;

/// Why a list of blocks did not make a blob.
#[derive(Debug)]
pub(super) enum CommitError {
    NoSuchBlock,
    Disk(io::Error),
}

impl std::convert::From<io::Error> for CommitError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Joins pieces into one; the kernel copies, so no memory grows with the size.
fn join<'a>(path: &Path, pieces: impl Iterator<Item = &'a Piece>) -> io::Result<Piece> {
    let mut whole = Piece { path: path.to_owned(), len: 0 };
    let mut out = File::create(path)?;
    for piece in pieces {
        whole.len += io::copy(&mut File::open(&piece.path)?, &mut out)?;
    }
    Ok(whole)
}
