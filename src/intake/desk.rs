//! The line between finding files and doing something about them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Identity, Sidecar};

/// Where files that intake found are taken.
///
/// All calls block and are made on blocking threads; at most one at a time for each folder, but for `knows`, which two
/// threads ask while they look.
pub trait Desk: Send + Sync + 'static {
    /// Is this very file known already? Cheap; asked for every file at every look.
    ///
    /// `sidecar` is what lies beside it, in folders that are `ready = "sidecar:…"`: a package that was rejected for its
    /// sidecar is another once that was corrected.
    fn knows(&self, folder: &str, path: &Path, identity: &Identity, sidecar: Option<&Identity>) -> bool;

    /// Takes a file, settled or not: capture, inspect, queue.
    fn receive(&self, find: &Find) -> Receipt;

    /// A known file is no longer there: a complete look at its folder did not see it.
    fn gone(&self, folder: &str, path: &Path);

    /// A complete look at a folder has ended: all that lies in it was asked for with `knows`.
    ///
    /// What became known in an earlier run and was not asked for since is gone too.
    fn looked(&self, folder: &str) {
        let _ = folder;
    }

    /// Is there room for another file of this folder now?
    ///
    /// # Errors
    /// Why there is none.
    fn room(&self, folder: &str) -> Result<(), NoRoom>;
}

/// Why no more is let in, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom {
    /// For people.
    pub why: String,
    /// Only this folder's files have to wait.
    pub own: bool,
}

/// A file that may be a package.
#[derive(Debug, Clone)]
pub struct Find {
    /// Name of the folder.
    pub folder: String,
    /// The drop folder itself: no link is followed below it.
    pub root: PathBuf,
    /// Absolute path.
    pub path: PathBuf,
    /// Last part of the path, in the bytes that it was given.
    pub name: OsString,
    /// The state in which it was found.
    pub identity: Identity,
    /// Unchanged for `settle` on a clock of our own, and nobody has it open for writing.
    pub settled: bool,
    /// Unchanged for `incomplete`, likewise.
    pub stale: bool,
    /// It lay there at this run's first look, and no later than that look began.
    pub backlog: bool,
    /// What lies beside it, in folders that are `ready = "sidecar:…"`.
    pub sidecar: Option<Sidecar>,
}

/// What became of a find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// A job was made or is known: this identity is not offered again.
    Taken,
    /// Offered again when it changed, has settled or is stale.
    NotYet {
        /// What is missing yet.
        why: String,
    },
    /// Disk or queue is full: offered again later, and nothing else of the folder meanwhile.
    Busy(NoRoom),
}
