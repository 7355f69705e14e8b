//! Vacuum: copies a database that has grown, and exchanges it for the copy.
//!
//! sled 0.34 keeps much of what was overwritten: a page with its last ten changes, a segment until half of it is dead, and free
//! segments that are not at the end of the file. The file grows to four to six times its content and never shrinks. So a copy
//! is made when the file has doubled since the last copy and no commit is waiting.
//!
//! The copy is written beside the database in `sled.new`, read again, compared, and exchanged by two renames.
//! [`finish_exchange`] completes or reverts an exchange that a crash interrupted.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::disk::sled_db::{Sled, sled_error};
use crate::error::StoreError;
use crate::tables::key;

/// No file smaller than this is copied.
pub(crate) const MIN_SIZE: u64 = 16 << 20;

/// Blocks that are copied in one batch: few, because sled keeps the pages of a batch twice when they split.
const BATCH: usize = 64;

/// The key of the size that the database had as a copy, in bytes, big-endian.
pub(crate) fn copied_size() -> Vec<u8> {
    [key::META, b"packed"].concat()
}

/// The size on the disk beyond which a vacuum is worthwhile: twice the size as a copy, or else as it was opened.
pub(crate) fn vacuum_threshold(sled: &Sled) -> Result<u64, StoreError> {
    let copied = sled.db.get(copied_size()).map_err(|error| sled_error(&error))?;
    let copied = copied.and_then(|size| size.as_ref().try_into().ok()).map(u64::from_be_bytes);
    Ok(copied.map_or_else(|| size(sled), Ok)?.saturating_mul(2).max(MIN_SIZE))
}

/// Size on the disk in bytes.
pub(crate) fn size(sled: &Sled) -> Result<u64, StoreError> {
    sled.db.size_on_disk().map_err(|error| sled_error(&error))
}

/// The path of the copy (`new`) or of the database before the exchange (`old`).
pub(crate) fn beside(folder: &Path, end: &str) -> PathBuf {
    folder.with_extension(end)
}

/// Before a database is opened: deletes the leftovers of an interrupted exchange, or puts the old database back.
pub(crate) fn finish_exchange(folder: &Path) -> Result<(), StoreError> {
    let (new, old) = (beside(folder, "new"), beside(folder, "old"));
    if old.exists() && !folder.exists() {
        rename(&old, folder)?;
    }
    [new, old].iter().try_for_each(|path| remove(path))
}

/// Copies a database to a new folder.
pub(crate) fn copy(from: &Sled, folder: &Path) -> Result<(), StoreError> {
    let to = Sled::open(folder)?;
    let mut batch = sled::Batch::default();
    let mut count = 0;
    for pair in from.db.iter() {
        let (key, value) = pair.map_err(|error| sled_error(&error))?;
        batch.insert(key, value);
        count += 1;
        if count == BATCH {
            to.db.apply_batch(std::mem::take(&mut batch)).map_err(|error| sled_error(&error))?;
            count = 0;
        }
    }
    to.db.apply_batch(batch).map_err(|error| sled_error(&error))?;
    to.sync()?;
    let size = size(&to)?;
    to.db.insert(copied_size(), &size.to_be_bytes()).map_err(|error| sled_error(&error))?;
    to.sync()?;
    sync(folder)
}

/// Opens a database that was just closed: sled's threads may keep its lock for an instant.
pub(crate) fn open_closed(folder: &Path) -> Result<Sled, StoreError> {
    let path = folder.join("db");
    let failed = |error: std::io::Error| StoreError::Io { what: "cannot lock", path: path.clone(), error };
    let file = File::open(&path).map_err(failed)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    drop(file);
    Sled::open(folder)
}

/// Reads a copy from the disk and compares it with its source: sled 0.34 opens some damaged databases as empty ones.
pub(crate) fn compare(source: &Sled, copy: &Path) -> Result<(), StoreError> {
    let copy = open_closed(copy)?;
    let is_size = |pair: &Result<(sled::IVec, sled::IVec), _>| {
        pair.as_ref().is_ok_and(|(key, _)| *key == copied_size())
    };
    let mut copied = copy.db.iter().filter(|pair| !is_size(pair));
    for pair in source.db.iter().filter(|pair| !is_size(pair)) {
        let pair = pair.map_err(|error| sled_error(&error))?;
        if copied.next().transpose().map_err(|error| sled_error(&error))? != Some(pair) {
            return Err(StoreError::Damaged { what: "a copy of the database differs from it".to_owned() });
        }
    }
    match copied.next() {
        None => Ok(()),
        Some(_) => {
            Err(StoreError::Damaged { what: "a copy of the database has more pairs than it".to_owned() })
        }
    }
}

/// Puts the copy in the place of the database; both are closed.
pub(crate) fn exchange(folder: &Path, new: &Path) -> Result<(), StoreError> {
    let old = beside(folder, "old");
    remove(&old)?;
    rename(folder, &old)?;
    if let Err(error) = rename(new, folder) {
        rename(&old, folder)?;
        return Err(error);
    }
    if let Some(parent) = folder.parent() {
        sync(parent)?;
    }
    remove(&old)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { what: "cannot rename", path: from.to_owned(), error };
    std::fs::rename(from, to).map_err(failed)
}

/// Deletes a folder, if it exists.
pub(crate) fn remove(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Io { what: "cannot remove", path: folder.to_owned(), error })
        }
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { what: "cannot sync", path: folder.to_owned(), error };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
