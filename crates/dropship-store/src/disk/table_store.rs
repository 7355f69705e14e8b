//! A store that answers from its tables in sled. Its journal is in files, or shared with other nodes.

use std::fs::File;
use std::sync::Arc;

use crate::commit::{Commit, CommitHandle};
use crate::disk::database::Database;
use crate::disk::histories::Histories;
use crate::error::StoreError;
use crate::export::{self, ExportSink};
use crate::finding::Finding;
use crate::shared::{NodeStanding, NodeStatus};
use crate::store::{HistoryEntry, Store};
use crate::tables::Tables;
use crate::writer::Writer;
use dropship_job::JobId;

/// A store with tables in a folder.
pub struct TableStore<H> {
    // Dropped first: the writer flushes the tables before the lock is released.
    pub(crate) writer: Writer,
    pub(crate) tables: Arc<Database>,
    pub(crate) histories: H,
    pub(crate) _lock: File,
}

impl<H> TableStore<H> {
    /// The reason, once the store has stopped after an error and acknowledges nothing any more.
    #[must_use]
    pub fn stopped(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.writer.stopped()
    }
}

impl<H: Histories> Store for TableStore<H> {
    fn commit(&self, commit: Commit) -> CommitHandle {
        // In a shared journal, a line without entries says that a node has taken over.
        if commit.entries.is_empty() {
            return CommitHandle::of_nothing();
        }
        match self.histories.refusal() {
            Some(error) => CommitHandle::refused(error),
            None => self.writer.commit(commit),
        }
    }

    fn tables(&self) -> Tables<'_> {
        Tables::shared(&*self.tables)
    }

    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.histories.history(id)
    }

    fn export(&self, each: ExportSink<'_>) -> Result<(), StoreError> {
        export::export_content(&*self.tables, each)?;
        self.histories.each_line(&mut |line| {
            for entry in line.entries {
                export::export_history(&*self.tables, line.at, entry, each)?;
            }
            Ok(())
        })
    }

    fn away(&self) -> Option<String> {
        self.histories.away()
    }

    fn close(&self) {
        self.histories.close();
    }

    fn nodes(&self) -> Vec<NodeStatus> {
        self.histories.nodes()
    }

    fn standing(&self) -> Option<NodeStanding> {
        self.histories.standing(&self.tables)
    }

    fn check(&self) -> Result<Vec<Finding>, StoreError> {
        self.histories.check(&self.tables)
    }
}
