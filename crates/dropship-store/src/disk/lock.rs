//! One process has a store open.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::StoreError;

/// Maximum length of the content of a lock in bytes.
const MAX_CONTENT: u64 = 64;

/// The line that follows the process id while its process listens on the control socket.
const LISTENS: &str = "listens";

/// The process that has a store open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockHolder {
    /// None; or this user may not read the lock.
    None,
    /// A command, or a daemon that starts or stops.
    Process {
        /// Its process id, if it has written it.
        pid: Option<u32>,
    },
    /// A daemon that listens on its control socket.
    Daemon {
        /// Its process id.
        pid: Option<u32>,
    },
}

/// Finds out which process has a store open.
#[must_use]
pub fn lock_holder(folder: &Path) -> LockHolder {
    let Ok(file) = File::open(folder.join("lock")) else { return LockHolder::None };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return LockHolder::None;
    }
    let mut content = String::new();
    // Without content, or with one that is no text, the holder is a process of which nothing is known.
    drop(file.take(MAX_CONTENT).read_to_string(&mut content));
    let mut lines = content.lines();
    let pid = lines.next().and_then(|pid| pid.parse().ok());
    match lines.next() {
        Some(LISTENS) => LockHolder::Daemon { pid },
        _ => LockHolder::Process { pid },
    }
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

/// The note in the lock of this process that it listens on the control socket. Commands do not wait for such a process. The note ends
/// when this is dropped.
#[derive(Debug)]
pub struct ListeningNote(PathBuf);

impl ListeningNote {
    /// Writes the note into the lock of a store that this process has open.
    ///
    /// # Errors
    /// When the lock cannot be written.
    pub fn write(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join("lock");
        rewrite(&path, &format!("{}\n{LISTENS}\n", std::process::id()))?;
        Ok(Self(path))
    }
}

impl Drop for ListeningNote {
    fn drop(&mut self) {
        // If it stays, it ends with the process: the next holder of the lock replaces it.
        drop(rewrite(&self.0, &format!("{}\n", std::process::id())));
    }
}

fn rewrite(path: &Path, content: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(content.as_bytes())?;
    file.set_len(content.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holder_of_a_lock_is_known_while_it_holds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, pid) = (folder.path(), Some(std::process::id()));
        assert_eq!(lock_holder(folder), LockHolder::None);
        let held = lock(folder).expect("the lock");
        assert_eq!(lock_holder(folder), LockHolder::Process { pid });
        let note = ListeningNote::write(folder).expect("a note");
        assert_eq!(lock_holder(folder), LockHolder::Daemon { pid });
        drop(note);
        assert_eq!(lock_holder(folder), LockHolder::Process { pid });
        std::mem::forget(ListeningNote::write(folder).expect("a note of a process that is killed"));
        drop(held);
        // The kernel keeps the lock while another process looks at the descriptors of this one.
        let mut holders = (0..1_000_000).map(|_| {
            std::thread::yield_now();
            lock_holder(folder)
        });
        assert!(holders.any(|holder| holder == LockHolder::None));
        let _held = lock(folder).expect("the lock again");
        assert_eq!(lock_holder(folder), LockHolder::Process { pid });
    }
}
