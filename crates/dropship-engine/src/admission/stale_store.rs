//! How far the store was behind the receipts, for operators.

use std::collections::BTreeSet;
use std::fmt;

use parking_lot::Mutex;

use dropship_job::{Job, JobId, counted};

/// The jobs and progress that the receipts show and the store lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StaleStore {
    /// Number of jobs that the store does not know.
    pub unknown: usize,
    /// Number of jobs that the receipts show at a later point.
    pub behind: usize,
}

impl StaleStore {
    /// Whether the store is older than its receipts.
    #[must_use]
    pub fn is_stale(self) -> bool {
        self.unknown + self.behind > 0
    }
}

impl std::ops::Add for StaleStore {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { unknown: self.unknown + other.unknown, behind: self.behind + other.behind }
    }
}

impl fmt::Display for StaleStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the store was older than the receipts in the outboxes: it lacked {}, and {} had got further",
            counted(self.unknown, "job"),
            counted(self.behind, "job")
        )
    }
}

/// The findings of this daemon since its start.
#[derive(Debug, Default)]
pub(super) struct OlderStore {
    /// With the recovered jobs that were held for an operator.
    pub(super) findings: Mutex<(StaleStore, BTreeSet<JobId>)>,
}

impl OlderStore {
    /// Counts the recovery of a job.
    pub(super) fn count(&self, job: &Job, more: StaleStore) {
        let mut findings = self.findings.lock();
        findings.0 = findings.0 + more;
        if !job.state().has_ended() {
            findings.1.insert(job.id().clone());
        }
    }
}
