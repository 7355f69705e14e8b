//! The lines of the journal as queries read them, beside the writer.

use std::path::PathBuf;

use crate::disk::check;
use crate::disk::database::Database;
use crate::entry::Line;
use crate::error::StoreError;
use crate::finding::Finding;
use crate::journal::{self, SegmentJobs};
use crate::shared::{NodeStanding, NodeStatus};
use crate::store::HistoryEntry;
use dropship_job::JobId;

/// Reads the journal while the writer appends to it.
pub(crate) trait Histories: Send + Sync {
    /// The events of a job in order.
    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Passes every line to `each`.
    fn each_line(&self, each: &mut dyn FnMut(Line) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Why the journal cannot be reached, while it cannot.
    fn away(&self) -> Option<String> {
        None
    }

    /// Why this process may not commit anything.
    fn refusal(&self) -> Option<StoreError> {
        None
    }

    /// Lets other nodes take over.
    fn close(&self) {}

    /// The nodes that share the journal, as far as they are known. None: it is not shared.
    fn nodes(&self) -> Vec<NodeStatus> {
        Vec::new()
    }

    /// How far these tables follow the journal; `None`: it is not shared.
    fn standing(&self, _: &Database) -> Option<NodeStanding> {
        None
    }

    /// Compares the journal with the tables.
    fn check(&self, tables: &Database) -> Result<Vec<Finding>, StoreError>;
}

/// The segment files of a folder.
pub struct SegmentFiles {
    folder: PathBuf,
    jobs: SegmentJobs,
}

impl SegmentFiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, jobs: SegmentJobs::default() }
    }
}

impl Histories for SegmentFiles {
    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        journal::history(&self.folder, &self.jobs, id)
    }

    fn each_line(&self, each: &mut dyn FnMut(Line) -> Result<(), StoreError>) -> Result<(), StoreError> {
        journal::each_line(&self.folder, each)
    }

    fn check(&self, tables: &Database) -> Result<Vec<Finding>, StoreError> {
        check::check(tables, &self.folder)
    }
}
