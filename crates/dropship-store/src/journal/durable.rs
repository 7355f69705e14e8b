//! The durable act of a store, as its writer sees it.

use std::time::Duration;

use crate::entry::Line;
use crate::error::StoreError;
use crate::tables::{Bytes, Changes};

/// The result of an append.
pub(crate) enum Appended {
    /// The lines are in the journal.
    Done {
        /// Whether the journal has grown so that it should be compacted.
        is_full: bool,
    },
    /// Nothing was appended: other nodes have appended these lines first, or more than these.
    Behind(Vec<Line>),
}

/// A journal that a writer appends to. It is durable when [`append`](Self::append) returns, unless that was called without `sync`.
pub(crate) trait Journal: Send + 'static {
    /// Whether tables on the disk become the only copy of what compaction drops.
    const NEEDS_FLUSH: bool;

    /// The number of the last line.
    fn last_seq(&self) -> u64;

    /// Appends lines that are numbered from the last one on; with `sync` they survive a power cut when this returns.
    fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<Appended, StoreError>;

    /// Syncs all lines to the disk.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Compacts the oldest lines, for a second at most where many remain. The tables have all lines, and are flushed if
    /// [`NEEDS_FLUSH`](Self::NEEDS_FLUSH).
    fn compact(&mut self, tables: &impl Bytes) -> Result<(), StoreError>;

    /// The next lines that other nodes have appended. Empty: the tables have everything.
    fn newer(&mut self) -> Result<Vec<Line>, StoreError> {
        Ok(Vec::new())
    }

    /// Interval at which lines of other nodes are looked for; `None`: there are no other nodes.
    fn poll_interval(&self) -> Option<Duration> {
        None
    }

    /// Adds to the changes of lines what tables have to remember of the journal.
    fn mark(&self, _changes: &mut Changes) {}

    /// Receives the way to ask the writer to look for lines of other nodes. It does not keep the writer running.
    fn set_hint(&mut self, _look: Box<dyn Fn() + Send + Sync>) {}

    /// The tables have these lines, which other nodes have appended.
    fn on_followed(&mut self, _lines: &[Line]) {}

    /// This process has taken over, by a line without entries. The next such line is of one that has taken over from it.
    fn on_taken_over(&mut self) {}

    /// Whether an append that failed may succeed now; waits for a moment before.
    fn may_retry(&mut self, _error: &StoreError) -> bool {
        false
    }
}
