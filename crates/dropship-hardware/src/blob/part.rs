//! The file that a download grows in, and the tag that tells what it is a part of.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::TransferError;

/// Bytes gathered before they are written.
const GATHER: usize = 512 * 1024;

/// A download under way: `NAME.part`, and its entity tag in `NAME.part.etag`.
pub(super) struct Part {
    path: PathBuf,
    tag_path: PathBuf,
    to: PathBuf,
    tag: Option<String>,
    length: u64,
    gathered: Vec<u8>,
    file: Option<std::fs::File>,
}

impl Part {
    /// Takes up what an earlier attempt left, if its tag is known.
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
            Self { path, tag_path, to: to.to_owned(), tag, length, gathered: Vec::new(), file: None };
        if part.tag.is_none() {
            part.length = 0;
        }
        Ok(part)
    }

    /// Bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.length + self.gathered.len() as u64
    }

    /// What the bytes that are there are a part of; a part that is empty is of nothing.
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|_| self.length() > 0)
    }

    /// Begins anew, with the tag of what comes now.
    pub(super) async fn restart(&mut self, tag: Option<&str>) -> Result<(), TransferError> {
        self.length = 0;
        self.gathered.clear();
        self.file = None;
        self.tag = tag.filter(|tag| is_strong(tag)).map(str::to_owned);
        let (path, tag_path, tag) = (self.path.clone(), self.tag_path.clone(), self.tag.clone());
        let file = blocking(&self.path, move || {
            // The tag goes first: a part under a wrong tag would be taken up.
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

    /// Takes bytes; they are on their way to the disk when enough have come.
    pub(super) async fn push(&mut self, bytes: &Bytes) -> Result<(), TransferError> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHER { self.flush().await } else { Ok(()) }
    }

    /// Hands what was gathered to the system.
    pub(super) async fn flush(&mut self) -> Result<(), TransferError> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.gathered);
        let (held, path) = (self.file.take(), self.path.clone());
        let count = bytes.len() as u64;
        let (file, bytes) = blocking(&self.path, move || {
            let mut file = match held {
                Some(file) => file,
                None => open(&path, false)?,
            };
            file.write_all(&bytes)?;
            bytes.clear();
            Ok((file, bytes))
        })
        .await?;
        self.length += count;
        self.file = Some(file);
        self.gathered = bytes;
        Ok(())
    }

    /// The download is whole: it gets its name once it is safe on the disk.
    pub(super) async fn finish(mut self) -> Result<u64, TransferError> {
        self.flush().await?;
        let held = self.file.take();
        let (path, tag_path, to) = (self.path.clone(), self.tag_path.clone(), self.to.clone());
        blocking(&self.to, move || {
            let file = match held {
                Some(file) => file,
                None => open(&path, false)?,
            };
            file.sync_all()?;
            drop(file);
            std::fs::rename(&path, &to)?;
            let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            match std::fs::remove_file(&tag_path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
        .await?;
        Ok(self.length)
    }
}

/// Opens the part to be written at its end, or empty. Results are for their owner until they get their place.
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

/// A weak tag says "much the same", which is not enough to join two halves.
fn is_strong(tag: &str) -> bool {
    !tag.trim().is_empty() && !tag.starts_with("W/") && tag.len() < 200 && !tag.contains(['\n', '\r'])
}
