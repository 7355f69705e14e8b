//! The dropped file of a job that could not be deleted or moved.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A failure to delete or move the dropped file after the success of its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterFailure {
    /// Time of the first failure.
    pub since: Timestamp,
    /// When to try again. A daemon that runs since then waits longer after each failure.
    pub due: Timestamp,
    /// What failed, why, and what to do.
    pub why: String,
}
