//! Commits entries in order, with a bounded number of them under way.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::commit::{Commit, CommitHandle};
use crate::error::StoreError;
use crate::export::Exported;
use crate::store::Store;

/// Maximum number of commits under way: two groups of the writer.
const COMMITS: usize = 512;

/// Size in bytes beyond which no further commit is started.
const BYTES: usize = 4 << 20;

pub(super) struct EntrySender<'a> {
    to: &'a dyn Store,
    under_way: VecDeque<(CommitHandle, usize)>,
    bytes: usize,
    /// Number of entries that were sent.
    pub(super) sent: u64,
}

impl<'a> EntrySender<'a> {
    pub(super) fn new(to: &'a dyn Store) -> Self {
        Self { to, under_way: VecDeque::new(), bytes: 0, sent: 0 }
    }

    /// Sends an entry of this size in bytes; waits for earlier ones while too many are under way.
    pub(super) fn send(&mut self, exported: Exported, size: usize) -> Result<(), StoreError> {
        let at = exported.at.unwrap_or_else(Timestamp::now);
        let commit = Commit { at, ..Commit::unsynced(vec![exported.entry]) };
        self.under_way.push_back((self.to.commit(commit), size));
        self.bytes += size;
        self.sent += 1;
        while self.under_way.len() > COMMITS || self.bytes > BYTES {
            self.wait_for_first()?;
        }
        Ok(())
    }

    /// Waits until all are committed.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        while !self.under_way.is_empty() {
            self.wait_for_first()?;
        }
        Ok(())
    }

    fn wait_for_first(&mut self) -> Result<(), StoreError> {
        let Some((first, size)) = self.under_way.pop_front() else { return Ok(()) };
        self.bytes -= size;
        first.wait().map(drop)
    }
}
