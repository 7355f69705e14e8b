//! The interface of a journal that the nodes of a fleet share. It knows positions and texts, and nothing of jobs.

use std::sync::Arc;

use crate::error::StoreError;
use crate::shared::append_id::AppendId;
use crate::shared::lease::Leases;

/// A place in the journal: the number of a line, and the append that wrote it. Two histories that differ have no position in common
/// after the place at which they part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The number of the line; 0: before the first.
    pub seq: u64,
    /// Its append.
    pub append: AppendId,
}

impl Position {
    /// Before the first line.
    pub const START: Self = Self { seq: 0, append: AppendId::NONE };
}

/// The subject of a line, by which histories are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// It has no events of jobs.
    None,
    /// Events of this job only.
    Job(String),
    /// Events of several jobs.
    Several,
    /// A snapshot of this job.
    Snapshot(String),
}

/// A line that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// Its text, in one line.
    pub text: String,
    /// Its subject.
    pub topic: Topic,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLine {
    /// Its number.
    pub seq: u64,
    /// The append that wrote it.
    pub append: AppendId,
    /// Its text.
    pub text: String,
}

/// The result of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendResult {
    /// The lines are in the journal, which has this extent now.
    Appended(JournalExtent),
    /// Nothing was appended: the journal ends elsewhere.
    EndsElsewhere,
}

/// The size of a journal, and how far it is compacted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalExtent {
    /// Size of the texts of all lines in bytes.
    pub size: u64,
    /// The size after the last pass of compaction.
    pub settled: u64,
    /// The first line that the present pass has not rewritten; 0: there is no pass.
    pub cursor: u64,
    /// The last line that the present pass rewrites.
    pub until: u64,
}

/// A step of compaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// The cursor before it.
    pub cursor: u64,
    /// The extent after it, but for the size.
    pub after: JournalExtent,
    /// The last line that is rewritten.
    pub compacted: u64,
    /// Lines that are removed.
    pub removed: Vec<u64>,
    /// Lines that get another text.
    pub changed: Vec<(u64, NewLine)>,
    /// Lines that are appended.
    pub appended: Vec<NewLine>,
    /// By how much the texts grow, in bytes.
    pub growth: i64,
}

/// Consecutive lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The lines in order.
    pub lines: Vec<SharedLine>,
    /// The last line that compaction has rewritten: tables that end before it cannot follow.
    pub compacted: u64,
}

/// What is known of a whole journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalEnd {
    /// Distinguishes this journal from those of other databases.
    pub journal: [u8; 16],
    /// Its last line.
    pub position: Position,
    /// The last line that compaction has rewritten.
    pub compacted: u64,
    /// Its size.
    pub extent: JournalExtent,
}

/// A journal that several nodes append to.
///
/// All methods return [`StoreError::Away`] while the journal cannot be reached, and take seconds at most.
#[expect(clippy::missing_errors_doc, reason = "all methods have the same errors, named above once")]
pub trait SharedJournal: Send + 'static {
    /// The end of the journal.
    fn end(&mut self) -> Result<JournalEnd, StoreError>;

    /// Appends lines, all or none, if the journal ends at this position. They are durable then.
    ///
    /// After [`StoreError::Away`] they may have been appended or not, or may still be. The same call again is safe: of both, one
    /// takes effect at most.
    fn append(
        &mut self,
        after: Position,
        id: AppendId,
        lines: &[NewLine],
    ) -> Result<AppendResult, StoreError>;

    /// Compacts some lines, if the journal ends at this position and the present pass has reached this cursor; returns whether it did.
    fn rewrite(&mut self, after: Position, id: AppendId, rewrite: &Rewrite) -> Result<bool, StoreError>;

    /// Returns which of these topics have a line after this number.
    fn topics_after(&mut self, seq: u64, topics: &[Topic]) -> Result<Vec<Topic>, StoreError>;

    /// At most `limit` lines from this number on.
    fn read(&mut self, from: u64, limit: usize) -> Result<Batch, StoreError>;

    /// A reader for queries, which works beside this.
    fn reader(&self) -> Box<dyn SharedReader>;

    /// The place of the lease.
    fn leases(&self) -> Arc<dyn Leases>;

    /// Calls `hint` when other nodes have appended lines. Calls may be missing.
    fn on_append(&mut self, hint: Box<dyn Fn() + Send + Sync>);
}

/// Reads a shared journal for queries, on any thread.
#[expect(clippy::missing_errors_doc, reason = "the errors are those of `SharedJournal`")]
pub trait SharedReader: Send + Sync {
    /// The texts of the lines with events of a job, in order; others may be among them.
    fn about(&self, job: &str) -> Result<Vec<String>, StoreError>;

    /// At most `limit` lines from this number on.
    fn read(&self, from: u64, limit: usize) -> Result<Batch, StoreError>;
}
