//! The store on disk: the journal, and its tables in sled.

mod database;
mod examine;
mod leaves;
mod open;
mod rehearse;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use open::Opening;
pub use rehearse::Rehearsal;

use super::export::{self, Each};
use super::journal;
use super::queries;
use super::tables::{self, Bytes, Seen};
use super::writer::Writer;
use super::{Commit, Filter, Store, StoreError, Ticket, Told};
use database::Database;
use dropship_job::{Job, JobId, StateKind};

/// The store of a daemon.
///
/// `lock` names the process that has it, `journal/` holds what happened, `sled/` what it amounts to.
pub struct Durable {
    // The writer is dropped first: it brings the tables to the disk before the lock goes.
    writer: Writer,
    tables: Arc<Database>,
    journal: PathBuf,
    _lock: File,
}

impl Durable {
    /// Opens the store of a folder, or begins one; says what had to be mended.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it, and whatever the file system says.
    pub fn open(folder: &Path) -> Result<(Self, Opening), StoreError> {
        open::open(folder, journal::Limits::default())
    }

    /// Beats as long as the thread that writes comes round; a disk that hangs stops it.
    #[must_use]
    pub fn beat(&self) -> &crate::observe::Heartbeat {
        self.writer.beat()
    }

    /// Says why, once the store stopped after an error and acknowledges nothing any more.
    #[must_use]
    pub fn stopped(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.writer.stopped()
    }

    #[cfg(test)]
    pub(super) fn open_with(folder: &Path, limits: journal::Limits) -> Result<(Self, Opening), StoreError> {
        open::open(folder, limits)
    }
}

impl Store for Durable {
    fn commit(&self, commit: Commit) -> Ticket {
        self.writer.commit(commit)
    }

    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.tables.job(id)
    }

    fn open_jobs(&self) -> Result<Vec<Job>, StoreError> {
        queries::open_jobs(&*self.tables)
    }

    fn unreceipted(&self) -> Result<Vec<JobId>, StoreError> {
        queries::unreceipted(&*self.tables)
    }

    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError> {
        queries::jobs(&*self.tables, filter)
    }

    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError> {
        queries::counts(&*self.tables)
    }

    fn count(&self, state: StateKind) -> Result<usize, StoreError> {
        queries::count(&*self.tables, state)
    }

    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError> {
        queries::find(&*self.tables, sha256, folder)
    }

    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError> {
        queries::find_everywhere(&*self.tables, sha256)
    }

    fn owner(&self, remote: u64) -> Result<Option<JobId>, StoreError> {
        queries::owner(&*self.tables, remote)
    }

    fn seen(&self, folder: &str, path: &str) -> Result<Option<Seen>, StoreError> {
        queries::seen(&*self.tables, folder, path)
    }

    fn seen_in(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        queries::seen_in(&*self.tables, folder)
    }

    fn lies(&self, folder: &str, sha256: &str) -> Result<bool, StoreError> {
        tables::lies_in(&*self.tables, folder, sha256)
    }

    fn inspecting(&self, sha256: &str) -> Result<u64, StoreError> {
        queries::inspecting(&*self.tables, sha256)
    }

    fn flags(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        queries::flags(&*self.tables, prefix)
    }

    fn story(&self, id: &JobId) -> Result<Vec<Told>, StoreError> {
        journal::stories(&self.journal, id)
    }

    fn export(&self, each: Each<'_>) -> Result<(), StoreError> {
        export::standing(&*self.tables, each)?;
        journal::each_line(&self.journal, |line| {
            for entry in line.entries {
                export::told(&*self.tables, line.at, entry, each)?;
            }
            Ok(())
        })
    }

    fn examine(&self) -> Result<Vec<crate::store::Finding>, StoreError> {
        examine::examine(&self.tables, &self.journal)
    }
}
