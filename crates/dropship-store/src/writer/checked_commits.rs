//! A group of commits between their check and their append.

use crate::commit::{Commit, UnknownBytes};
use crate::entry::Line;
use crate::tables::TableChanges;
use crate::writer::{CommitAnswer, PendingCommit};
use dropship_job::Job;

/// Commits that were checked, and can be appended.
#[derive(Default)]
pub(super) struct CheckedCommits {
    pub(super) lines: Vec<Line>,
    pub(super) changes: TableChanges,
    pub(super) answers: Vec<(CommitAnswer, Vec<Job>)>,
    /// The condition of each commit.
    pub(super) conditions: Vec<Option<UnknownBytes>>,
    /// Whether a sender waits until its lines survive a power cut.
    pub(super) must_sync: bool,
}

impl CheckedCommits {
    /// The commits as they were before the check.
    pub(super) fn into_group(self) -> Vec<PendingCommit> {
        let durable = self.must_sync;
        let lines = self.lines.into_iter().zip(self.conditions);
        let commits =
            lines.map(|(line, unknown)| Commit { entries: line.entries, at: line.at, durable, unknown });
        commits.zip(self.answers).map(|(commit, (answer, _))| (commit, answer)).collect()
    }
}
