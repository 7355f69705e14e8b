//! Captures a dropped file: copies it into the store and hashes the copy.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::open::open_below;
use crate::{FileTime, FoundFile, Identity};

/// Size in bytes of the copy buffer.
const BUFFER: usize = 256 * 1024;

/// Number of bytes after which the free space is checked again.
const SPACE_CHECK: u64 = 8 << 20;

/// Size in bytes of the blocks in which file systems count.
const BLOCK: u64 = 512;

/// How much a capture may read and store.
pub struct CaptureLimits<'a> {
    /// Maximum size of the file in bytes.
    pub max_bytes: u64,
    /// Whether the disk has space for this number of further bytes.
    pub has_space_for: &'a dyn Fn(u64) -> bool,
}

impl Default for CaptureLimits<'_> {
    fn default() -> Self {
        Self { max_bytes: u64::MAX, has_space_for: &|_| true }
    }
}

/// Sees the bytes of a capture while they are copied, so that they are not read again.
pub trait CaptureWatcher {
    /// The copy begins: `file` is read from its start, and has `size` bytes.
    fn begin(&mut self, file: &File, size: u64);
    /// The next bytes of the copy.
    fn copied(&mut self, bytes: &[u8]);
}

/// Needs nothing of the bytes.
impl CaptureWatcher for () {
    fn begin(&mut self, _file: &File, _size: u64) {}
    fn copied(&mut self, _bytes: &[u8]) {}
}

/// A copy of a dropped file that the build server cannot change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// SHA-256 of the copy.
    pub sha256: [u8; 32],
    /// Size of the copy in bytes.
    pub size: u64,
    /// Identity of the source, equal before and after the copy.
    pub identity: Identity,
    /// When the source was created, if the file system records it. Distinguishes a new file from one whose inode number it
    /// reuses.
    pub birth: Option<FileTime>,
}

/// Why a file could not be captured. An unfinished copy has been removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The source changed since it was found. It will be found again.
    #[error("{} changed while it was being copied", .0.display())]
    Changed(PathBuf),
    /// The source is gone.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// The source is a link, a directory or a special file.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// The daemon may not read the source.
    #[error(
        "permission denied to read {}; let the daemon's user read it (setfacl -m u:dropship:r, or a group)",
        .0.display()
    )]
    Denied(PathBuf),
    /// The source is larger than the limit; it was not read.
    #[error("{} has {size} bytes, and the limit is {max}", path.display())]
    TooLarge {
        /// The source.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// The disk or the quota of the store is full.
    #[error("no space left for {}; free some, or move [store] path to a larger disk", .0.display())]
    NoSpace(PathBuf),
    /// The source could not be read.
    #[error("failed to read {}: {error}", path.display())]
    Read {
        /// The source.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// The copy could not be written.
    #[error("failed to write {}: {error}", path.display())]
    Write {
        /// The copy.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

/// Copies `found` to the new file `to`, sharing its blocks if the file system can do that.
///
/// The digest is that of the copy. The copy is not synced, because most copies are of known or invalid packages and are
/// deleted at once. The store syncs a copy that becomes a job's.
///
/// At most the bytes that the file had when it was found are read, each once, and holes are not filled. The watcher sees the
/// bytes of the copy; after an error what it has seen means nothing.
///
/// # Errors
/// See [`CaptureError`]. After an error `to` does not exist, unless it existed before the call, which is an error too.
pub fn capture(
    found: &FoundFile,
    to: &Path,
    limits: &CaptureLimits<'_>,
    watcher: &mut dyn CaptureWatcher,
) -> Result<Captured, CaptureError> {
    let copy = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| write_error(to, error))?;
    let captured = fill(found, copy, (to, limits), watcher);
    // What follows depends on the store, not on the folder.
    found.progress.pause();
    if captured.is_err()
        && let Err(error) = std::fs::remove_file(to)
    {
        tracing::warn!(path = %to.display(), "cannot remove the unfinished copy {}: {error}", to.display());
    }
    captured
}

fn fill(
    found: &FoundFile,
    mut copy: File,
    (to, limits): (&Path, &CaptureLimits<'_>),
    watcher: &mut dyn CaptureWatcher,
) -> Result<Captured, CaptureError> {
    let (mut source, meta) =
        open_below(&found.root, &found.path).map_err(|error| open_error(&found.path, error))?;
    let (before, birth) = (Identity::from(&meta), FileTime::of_birth(&meta));
    if before != found.identity {
        return Err(CaptureError::Changed(found.path.clone()));
    }
    if before.size > limits.max_bytes {
        let (path, size, max) = (found.path.clone(), before.size, limits.max_bytes);
        return Err(CaptureError::TooLarge { path, size, max });
    }
    let (sha256, size) = if rustix::fs::ioctl_ficlone(&copy, &source).is_ok() {
        found.progress.pause();
        watcher.begin(&copy, before.size);
        let hashed = hash(&mut copy, to, watcher)?;
        found.progress.advance();
        hashed
    } else {
        if !(limits.has_space_for)(meta.blocks().saturating_mul(BLOCK).min(before.size)) {
            return Err(CaptureError::NoSpace(to.to_owned()));
        }
        watcher.begin(&source, before.size);
        copy_and_hash((&mut source, found), &copy, (to, limits), watcher)?
    };
    let after = source.metadata().map_err(|error| open_error(&found.path, error))?;
    if Identity::from(&after) != before || size != before.size {
        return Err(CaptureError::Changed(found.path.clone()));
    }
    Ok(Captured { sha256, size, identity: before, birth })
}

/// Copies at most one byte more than `from` had when it was found. Parts that are all zeros stay holes.
fn copy_and_hash(
    (source, found): (&mut File, &FoundFile),
    copy: &File,
    (to, limits): (&Path, &CaptureLimits<'_>),
    watcher: &mut dyn CaptureWatcher,
) -> Result<([u8; 32], u64), CaptureError> {
    // A failed clone may have left data on file systems that clone in pieces.
    copy.set_len(0).map_err(|error| write_error(to, error))?;
    let mut source = found.progress.reader(source).take(found.identity.size.saturating_add(1));
    let mut hasher = Sha256::new();
    let (mut size, mut checked) = (0, 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(CaptureError::Read { path: found.path.clone(), error });
            }
        };
        hasher.update(read);
        watcher.copied(read);
        if read.iter().any(|byte| *byte != 0) {
            copy.write_all_at(read, size).map_err(|error| write_error(to, error))?;
        }
        size += read.len() as u64;
        if size - checked >= SPACE_CHECK {
            if !(limits.has_space_for)(0) {
                return Err(CaptureError::NoSpace(to.to_owned()));
            }
            checked = size;
        }
    }
    copy.set_len(size).map_err(|error| write_error(to, error))?;
    Ok((hasher.finalize().into(), size))
}

fn hash(
    copy: &mut File,
    to: &Path,
    watcher: &mut dyn CaptureWatcher,
) -> Result<([u8; 32], u64), CaptureError> {
    let failed = |error| CaptureError::Read { path: to.to_owned(), error };
    copy.rewind().map_err(failed)?;
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; BUFFER];
    loop {
        match copy.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().into(), size)),
            Ok(count) => {
                let read = &buffer[..count];
                hasher.update(read);
                watcher.copied(read);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

fn open_error(path: &Path, error: io::Error) -> CaptureError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => CaptureError::Gone(path),
        io::ErrorKind::PermissionDenied => CaptureError::Denied(path),
        io::ErrorKind::InvalidInput | io::ErrorKind::CrossesDevices => CaptureError::NotRegular(path),
        _ if error.raw_os_error() == Some(libc::ELOOP) => CaptureError::NotRegular(path),
        _ => CaptureError::Read { path, error },
    }
}

fn write_error(path: &Path, error: io::Error) -> CaptureError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CaptureError::NoSpace(path),
        _ => CaptureError::Write { path, error },
    }
}
