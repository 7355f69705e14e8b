//! The file that a download is written to, and the entity tag of the blob that it is a part of.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::error::TransferError;

/// Number of bytes that are buffered before they are written.
const WRITE_SIZE: usize = 512 * 1024;
/// Number of bytes that a download leaves free on its disk.
const MIN_FREE: u64 = 16 * 1024 * 1024;

/// A download in progress: `NAME.part`, and its entity tag in `NAME.part.etag`.
pub(super) struct PartialDownload {
    path: PathBuf,
    tag_path: PathBuf,
    to: PathBuf,
    tag: Option<String>,
    length: u64,
    unwritten: Vec<u8>,
    file: Option<std::fs::File>,
}

impl PartialDownload {
    /// Continues the part of an earlier attempt, if its tag is known.
    pub(super) async fn open(to: &Path) -> Result<Self, TransferError> {
        let with = |suffix: &str| {
            let mut name = to.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (path, tag_path) = (with(".part"), with(".part.etag"));
        let tag = tokio::fs::read_to_string(&tag_path).await.ok().filter(|tag| is_strong(tag));
        let length = tokio::fs::metadata(&path).await.map_or(0, |metadata| metadata.len());
        let mut part =
            Self { path, tag_path, to: to.to_owned(), tag, length, unwritten: Vec::new(), file: None };
        if part.tag.is_none() {
            part.length = 0;
        }
        Ok(part)
    }

    /// Number of bytes so far.
    pub(super) fn length(&self) -> u64 {
        self.length + self.unwritten.len() as u64
    }

    /// Tag of the blob that the bytes so far are a part of; `None` for an empty part.
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|_| self.length() > 0)
    }

    /// Starts again, with the tag of the blob that follows.
    pub(super) async fn restart(&mut self, tag: Option<&str>) -> Result<(), TransferError> {
        self.length = 0;
        self.unwritten.clear();
        self.file = None;
        self.tag = tag.filter(|tag| is_strong(tag)).map(str::to_owned);
        let (path, tag_path, tag) = (self.path.clone(), self.tag_path.clone(), self.tag.clone());
        let file = blocking(&self.path, move || {
            // The tag is removed first: a part with a wrong tag would be continued.
            match std::fs::remove_file(&tag_path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = open(&path, true)?;
            if let Some(tag) = tag {
                std::fs::write(&tag_path, tag)?;
            }
            Ok(file)
        });
        self.file = Some(file.await?);
        Ok(())
    }

    /// Fails if the file system has no space for the rest of a file of this length.
    pub(super) async fn check_space(&self, total: Option<u64>) -> Result<(), TransferError> {
        let missing = total.unwrap_or_default().saturating_sub(self.length());
        let folder = folder_of(&self.path).to_owned();
        blocking(&self.path, move || has_space(&folder, missing)).await
    }

    /// Appends bytes; they are written when enough are buffered.
    pub(super) async fn push(&mut self, bytes: &Bytes) -> Result<(), TransferError> {
        self.unwritten.extend_from_slice(bytes);
        if self.unwritten.len() >= WRITE_SIZE { self.flush().await } else { Ok(()) }
    }

    /// Writes the buffered bytes.
    pub(super) async fn flush(&mut self) -> Result<(), TransferError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.unwritten);
        let (held, path) = (self.file.take(), self.path.clone());
        let count = bytes.len() as u64;
        let (file, bytes) = blocking(&self.path, move || {
            let mut file = match held {
                Some(file) => file,
                None => open(&path, false)?,
            };
            has_space(folder_of(&path), count)?;
            file.write_all(&bytes)?;
            bytes.clear();
            Ok((file, bytes))
        })
        .await?;
        self.length += count;
        self.file = Some(file);
        self.unwritten = bytes;
        Ok(())
    }

    /// SHA-256 of the bytes so far.
    pub(super) async fn sha256(&mut self) -> Result<[u8; 32], TransferError> {
        self.flush().await?;
        let path = self.path.clone();
        blocking(&self.path, move || {
            let (mut file, mut digest) = (std::fs::File::open(path)?, Sha256::new());
            let mut buffer = vec![0; 256 * 1024];
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(digest.finalize().into()),
                    count => digest.update(buffer.get(..count).unwrap_or_default()),
                }
            }
        })
        .await
    }

    /// The bytes so far, for parts that are known to be short.
    pub(super) async fn bytes(&mut self) -> Result<Vec<u8>, TransferError> {
        self.flush().await?;
        let path = self.path.clone();
        blocking(&self.path, move || std::fs::read(path)).await
    }

    /// Gives the complete download its name, once it is synced if it is `durable`.
    pub(super) async fn finish(mut self, durable: bool) -> Result<u64, TransferError> {
        self.flush().await?;
        let held = self.file.take();
        let (path, tag_path, to) = (self.path.clone(), self.tag_path.clone(), self.to.clone());
        blocking(&self.to, move || {
            let file = match held {
                Some(file) => file,
                None => open(&path, false)?,
            };
            if durable {
                file.sync_all()?;
            }
            drop(file);
            std::fs::rename(&path, &to)?;
            if durable {
                std::fs::File::open(folder_of(&to))?.sync_all()?;
            }
            match std::fs::remove_file(&tag_path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await?;
        Ok(self.length)
    }
}

/// The folder of a file.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Fails if a folder has no space for this number of bytes and [`MIN_FREE`] more.
fn has_space(folder: &Path, bytes: u64) -> std::io::Result<()> {
    let disk = rustix::fs::statvfs(folder)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= bytes.saturating_add(MIN_FREE) { Ok(()) } else { Err(std::io::ErrorKind::StorageFull.into()) }
}

/// Opens the part for appending, or empties it. Only the owner can read it until it has its name.
fn open(path: &Path, empty: bool) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).mode(0o600);
    if empty {
        options.write(true).truncate(true)
    } else {
        options.append(true)
    };
    options.open(path)
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, TransferError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| TransferError::written(path, error)),
        Err(_) => Err(TransferError::written(path, std::io::ErrorKind::Interrupted.into())),
    }
}

/// A weak tag does not promise equal bytes, which joining two halves needs.
fn is_strong(tag: &str) -> bool {
    !tag.trim().is_empty() && !tag.starts_with("W/") && tag.len() < 200 && !tag.contains(['\n', '\r'])
}
