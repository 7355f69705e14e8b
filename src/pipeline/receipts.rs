//! Of two writers of one receipt the later one has the newer news: each job's receipt is written by one at a time.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::Mutex;

use dropship_job::JobId;

/// How many receipts are written at once, at most.
const LOCKS: usize = 64;

/// Locks for the receipts, by job.
#[derive(Debug)]
pub struct Receipts {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Receipts {
    fn default() -> Self {
        Self { locks: (0..LOCKS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Receipts {
    /// The lock of a job's receipt.
    pub(super) fn of(&self, job: &JobId) -> &Mutex<()> {
        let place = self.hasher.hash_one(job) as usize % LOCKS;
        &self.locks[place]
    }
}
