//! Settings of the pipeline: intervals and limits of `[api]`, settings of folders.

use std::sync::Arc;
use std::time::Duration;

use super::folder_policies::FolderPolicies;
use super::label_guard::LabelGuard;
use dropship_config::model::{Api, Overdue, PollInterval};
use dropship_hardware::Backoff;

/// Settings of a pipeline; all but the folders and the guard stay until the daemon restarts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Maximum number of jobs processed at the same time.
    pub workers: usize,
    /// How long a create without a response may still take effect.
    pub uncertain: Duration,
    /// Backoff after failed attempts.
    pub retry: Backoff,
    /// Interval between polls for the signature.
    pub sign: PollInterval,
    /// Interval between polls for a label's publishing.
    pub publish: PollInterval,
    /// Interval between probes of a suspended account.
    pub account: Backoff,
    /// Interval between comparisons of a published label with the service; zero: none are made.
    pub audit: Duration,
    /// Waits that take longer are reported once.
    pub overdue: Overdue,
    /// Settings of folders for results and dropped files; a reload replaces them.
    pub folders: Arc<FolderPolicies>,
    /// Limits of labels; a reload replaces them.
    pub guard: Arc<LabelGuard>,
    /// Receipts are marked as made with a sandbox.
    pub sandbox: bool,
}

impl Settings {
    /// The settings that `[api]` contains.
    #[must_use]
    pub fn of(api: &Api) -> Self {
        Self {
            workers: api.workers,
            uncertain: api.uncertain,
            retry: api.retry,
            sign: api.poll.sign,
            publish: api.poll.publish,
            account: api.poll.account,
            audit: api.audit,
            overdue: api.overdue,
            folders: Arc::default(),
            guard: Arc::default(),
            sandbox: false,
        }
    }
}
