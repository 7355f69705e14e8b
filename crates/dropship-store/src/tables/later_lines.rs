//! The state of a job after later lines, for lines that are replayed.

use std::collections::HashMap;

use crate::entry::{Entry, Line};
use dropship_job::JobId;

/// The snapshots and prunings in lines that the tables do not have yet.
///
/// Compaction deletes the oldest lines and appends what they amount to. So the lines of a job may start in the middle, and
/// only a later line explains why.
#[derive(Debug, Default)]
pub(crate) struct LaterLines(HashMap<JobId, (u64, LaterState)>);

/// The state of a job after a later line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaterState {
    /// The whole job follows.
    Snapshot,
    /// The job is deleted.
    Pruned,
}

impl LaterLines {
    /// Collects the snapshots and prunings in lines.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut later = HashMap::new();
        for line in lines {
            for entry in &line.entries {
                match entry {
                    Entry::Snapshot { job, .. } => {
                        later.insert(job.id().clone(), (line.seq, LaterState::Snapshot))
                    }
                    Entry::Pruned { job } => later.insert(job.clone(), (line.seq, LaterState::Pruned)),
                    _ => None,
                };
            }
        }
        Self(later)
    }

    /// The state of the job after the line `seq` or a later one.
    pub(crate) fn about(&self, job: &JobId, seq: u64) -> Option<LaterState> {
        self.0.get(job).filter(|(later, _)| *later >= seq).map(|(_, later)| *later)
    }
}
