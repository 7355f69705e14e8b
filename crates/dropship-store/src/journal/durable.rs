//! The journal of a store, as its writer uses it.

use std::time::Duration;

use crate::entry::Line;
use crate::error::StoreError;
use crate::tables::{ByteMap, TableChanges};

/// The result of an append.
pub(crate) enum AppendOutcome {
    /// The lines are in the journal.
    Done {
        /// Whether the journal has grown so that it should be compacted.
        is_full: bool,
    },
    /// Nothing was appended, because other nodes have appended lines first: these, and perhaps more.
    Behind(Vec<Line>),
}

/// A journal that a writer appends to. It is durable when [`append`](Self::append) returns, unless that was called without `sync`.
pub(crate) trait Journal: Send + 'static {
    /// Whether tables on the disk become the only copy of what compaction drops.
    const NEEDS_FLUSH: bool;

    /// The number of the last line.
    fn last_seq(&self) -> u64;

    /// Appends lines, whose numbers follow the last line. With `sync`, they survive a power cut when this returns.
    fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<AppendOutcome, StoreError>;

    /// Syncs all lines to the disk.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Compacts the oldest lines, for at most a second if there are many. The tables have all lines, and are flushed if
    /// [`NEEDS_FLUSH`](Self::NEEDS_FLUSH).
    fn compact(&mut self, tables: &impl ByteMap) -> Result<(), StoreError>;

    /// The next lines that other nodes have appended; empty if the tables have all lines.
    fn read_newer(&mut self) -> Result<Vec<Line>, StoreError> {
        Ok(Vec::new())
    }

    /// Interval between reads of the lines of other nodes; `None`: there are no other nodes.
    fn poll_interval(&self) -> Option<Duration> {
        None
    }

    /// Adds the facts that the tables have to store about the journal, to the changes that lines make.
    fn mark(&self, _changes: &mut TableChanges) {}

    /// Sets the callback that makes the writer read the lines of other nodes. The callback does not keep the writer running.
    fn set_hint(&mut self, _hint: Box<dyn Fn() + Send + Sync>) {}

    /// The tables have these lines, which other nodes have appended.
    fn on_followed(&mut self, _lines: &[Line]) {}

    /// This process has appended the takeover marker, a line without entries. The next marker belongs to the next owner of the
    /// journal.
    fn on_taken_over(&mut self) {}

    /// Waits for a moment if a failed append can succeed later. Returns whether it can.
    fn may_retry(&mut self, _error: &StoreError) -> bool {
        false
    }
}
