//! One process has a store open.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::StoreError;

/// Whether a process has a store open, or opens it now. False where this user may not read the lock.
#[must_use]
pub fn is_locked(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join("lock")) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// Takes the lock of a store and writes the process id into it. The lock is released when the file is closed.
pub(crate) fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let failed = |error| StoreError::Io { what: "cannot open", path: path.clone(), error };
    let mut options = OpenOptions::new();
    let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(StoreError::Locked { path: folder.to_owned() });
    }
    let failed = |error| StoreError::Io { what: "cannot write", path: path.clone(), error };
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}
