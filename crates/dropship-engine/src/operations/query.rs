//! Selects the jobs that a command requests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outbox::Receipt;
use dropship_glob::Glob;
use dropship_job::{Job, JobId, StateKind};

/// A filter for jobs. They are listed newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// Only jobs in this state.
    #[serde(default)]
    pub state: Option<StateKind>,
    /// Only jobs of this folder.
    #[serde(default)]
    pub folder: Option<String>,
    /// Only jobs that were planned by this rule.
    #[serde(default)]
    pub rule: Option<String>,
    /// Only jobs whose package has a file name that this glob matches.
    #[serde(default)]
    pub package: Option<Glob>,
    /// Only jobs whose package arrived at this time or later.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Only jobs older than this one.
    #[serde(default)]
    pub before: Option<JobId>,
    /// Maximum number of jobs; 0 returns all.
    #[serde(default)]
    pub limit: usize,
}

impl JobQuery {
    /// The query with the same folder and rule, and no other condition.
    pub(super) fn of_same_names(&self) -> Self {
        Self { folder: self.folder.clone(), rule: self.rule.clone(), limit: 1, ..Self::default() }
    }

    /// Whether the job meets the conditions that are not about its state.
    pub(super) fn is_about(&self, job: &Job) -> bool {
        let package = job.package();
        let matches_folder = self.folder.is_none() || self.folder == package.folder;
        let matches_rule = self.rule.is_none() || self.rule.as_deref() == job.rule();
        let matches_name = self.package.as_ref().is_none_or(|glob| glob.is_match(&package.name));
        matches_folder
            && matches_rule
            && matches_name
            && self.since.is_none_or(|since| job.created() >= since)
    }

    /// Whether the job is in the state of the query.
    pub(super) fn is_in_state(&self, receipt: &Receipt) -> bool {
        self.state.is_none_or(|state| state == receipt.state)
    }
}
