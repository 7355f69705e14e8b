//! What the daemon does for its control socket.

use std::io;

use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::action::JobAction;
use super::error::ControlError;
use super::job_service::JobService;
use super::label_change::LabelChange;
use super::reloaded::Reloaded;
use super::status::Status;
use crate::outbox::Receipt;
use dropship_job::JobId;
use dropship_store::Finding;

/// The daemon as the control socket sees it. Methods that are not async may block.
pub trait ControlHandler: Send + Sync + 'static {
    /// The jobs.
    fn jobs(&self) -> &JobService;
    /// Groups whose members may change things.
    fn operators(&self) -> Vec<String>;
    /// The summary that `dropship status` prints.
    fn status(&self) -> Result<Status, ControlError>;
    /// Compares the store with its files on disk.
    fn doctor(&self) -> Result<Vec<Finding>, ControlError>;
    /// Scans a folder, or all folders, now.
    fn rescan(&self, folder: Option<&str>) -> Result<(), ControlError>;
    /// Pauses or resumes a folder, or everything.
    fn set_paused<'a>(
        &'a self,
        folder: Option<&'a str>,
        paused: bool,
    ) -> BoxFuture<'a, Result<(), ControlError>>;
    /// Applies an operator's action to a job.
    fn act<'a>(
        &'a self,
        id: &'a JobId,
        action: &'a JobAction,
        by: &'a str,
    ) -> BoxFuture<'a, Result<Receipt, ControlError>>;
    /// Records a change that an operator made to a label with `dropship api`. Returns the job that created the label,
    /// if there is one.
    fn record_label_change(
        &self,
        label: u64,
        change: LabelChange,
        by: String,
    ) -> BoxFuture<'_, Result<Option<JobId>, ControlError>>;
    /// Applies the configuration on disk, completely or not at all.
    fn reload<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<Reloaded, ControlError>>;
    /// Accepts a package whose bytes come over the socket.
    fn submit(&self, request: &SubmitRequest, bytes: &mut dyn io::Read) -> Result<JobId, ControlError>;
}

/// What `dropship submit` says about its package.
#[derive(Debug, Clone, Deserialize)]
pub struct SubmitRequest {
    /// File name of the package.
    pub name: String,
    /// Folder whose settings apply.
    #[serde(default)]
    pub folder: Option<String>,
    /// Rule to use instead of the first that matches.
    #[serde(default)]
    pub rule: Option<String>,
}
