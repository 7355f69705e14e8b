//! Selects the jobs that a command requests.

use serde::{Deserialize, Serialize};

use dropship_job::{JobId, StateKind};

/// A filter for jobs. They are listed newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only jobs in this state.
    #[serde(default)]
    pub state: Option<StateKind>,
    /// Only jobs older than this one.
    #[serde(default)]
    pub before: Option<JobId>,
    /// Maximum number of jobs; 0 returns all.
    #[serde(default)]
    pub limit: usize,
}
