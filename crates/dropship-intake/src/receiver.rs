//! The interface between finding files and processing them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dropship_shared_folder::Progress;

use crate::{Identity, Sidecar};

/// Receives the files that intake finds.
///
/// All calls block and are made on blocking threads, for each folder one at a time.
pub trait FileReceiver: Send + Sync + 'static {
    /// Whether this file was admitted in this state already. Called for every file at every scan, so it must be cheap.
    ///
    /// `sidecar` is the file beside it, in folders with `ready = "sidecar:…"`: a package that was rejected because of its
    /// sidecar is offered again once that was corrected.
    fn is_known(&self, folder: &str, path: &Path, identity: &Identity, sidecar: Option<&Identity>) -> bool;

    /// Admits a file, if it can: capture, inspect, queue.
    fn receive(&self, found: &FoundFile) -> Admitted;

    /// A known file was removed from its folder: a complete scan did not see it.
    fn on_removed(&self, folder: &str, path: &Path);

    /// A complete scan of a folder has ended: [`FileReceiver::is_known`] was called for every file in it.
    ///
    /// Files of an earlier run for which it was not called have left the folder too.
    fn on_scan_complete(&self, folder: &str) {
        let _ = folder;
    }

    /// Whether another file of this folder can be admitted now.
    ///
    /// # Errors
    /// When there is no capacity. The error says why.
    fn capacity(&self, folder: &str) -> Result<(), Backpressure>;
}

/// Why no file is admitted now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backpressure {
    /// The reason and what to do about it, for an operator.
    pub reason: String,
    /// True if only files of this folder have to wait.
    pub folder_only: bool,
}

/// A file that may be a package.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// Name of the folder.
    pub folder: String,
    /// Path of the folder. No symbolic link is followed below it.
    pub root: PathBuf,
    /// Absolute path of the file.
    pub path: PathBuf,
    /// Last component of `path`, byte for byte.
    pub name: OsString,
    /// The state in which it was found.
    pub identity: Identity,
    /// Unchanged and without a writer long enough for a negative verdict to count: for `settle`, on a polled folder for at least
    /// a minute.
    pub settled: bool,
    /// Unchanged and without a writer for `incomplete`.
    pub stale: bool,
    /// It was in the folder when this run's initial scan started.
    pub backlog: bool,
    /// Files of the folder are found by scans alone: another machine may write to the file while its times and length do not
    /// change.
    pub polled: bool,
    /// In a polled folder, the SHA-256 that the receiver reported with its last [`Admitted::NotYet`].
    pub last_sha256: Option<[u8; 32]>,
    /// The file beside it, in folders with `ready = "sidecar:…"`.
    pub sidecar: Option<Sidecar>,
    /// Progress of reading the file. The folder counts as hung while a read makes none.
    pub progress: Progress,
}

impl FoundFile {
    /// Whether the bytes with this digest, captured just now, are those that were captured before.
    ///
    /// On a local folder, the unchanged [`Identity`] proves it. On a polled folder, only the bytes do: a client that writes into
    /// a preallocated file changes neither length nor times until it closes the file.
    #[must_use]
    pub fn is_unchanged(&self, sha256: &[u8; 32]) -> bool {
        !self.polled || self.last_sha256.as_ref() == Some(sha256)
    }
}

/// The receiver's answer to a found file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// The file belongs to a job now, and is not offered again in this state.
    Yes,
    /// The file is offered again when it has changed, has settled or is stale.
    NotYet {
        /// What is missing.
        reason: String,
        /// SHA-256 of the captured bytes, if a copy was made.
        sha256: Option<[u8; 32]>,
    },
    /// The file could not be read this time, for example because a disk or share fails. It is offered again soon, in the same
    /// state.
    Unreadable {
        /// What failed.
        reason: String,
    },
    /// The disk or the queue is full: the file is offered again later, before any other file of the folder.
    Backpressure(Backpressure),
}
