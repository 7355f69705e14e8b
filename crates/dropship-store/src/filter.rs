//! Which jobs a query lists.

use dropship_job::{JobId, StateKind};

/// Which jobs to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<StateKind>,
    /// Only those older than this one: the next page.
    pub before: Option<JobId>,
    /// Maximum number of jobs; 0: all.
    pub limit: usize,
}
