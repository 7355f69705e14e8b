//! The interface between the control socket and the daemon.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::label_change::LabelChange;
use super::operator_groups::OperatorGroups;
use super::package_record::PackageRecord;
use super::reloaded::Reloaded;
use super::standing::{Calls, ConfigurationStanding};
use super::status::Status;
use dropship_engine::admission::{ActiveConfig, FileStanding};
use dropship_engine::operations::ControlError;
use dropship_engine::operations::JobAction;
use dropship_engine::operations::JobQuery;
use dropship_engine::operations::JobService;
use dropship_engine::operations::LabelReach;
use dropship_engine::operations::Operator;
use dropship_engine::outbox::Receipt;
use dropship_engine::replay::RememberedPackage;
use dropship_hardware::{LabelId, ProductId, SubmissionId};
use dropship_job::JobId;
use dropship_store::Finding;

/// Answers the requests of the control socket. Methods that are not async may block.
pub trait ControlHandler: Send + Sync + 'static {
    /// Queries and actions on jobs.
    fn jobs(&self) -> &JobService;
    /// Jobs that match the query, newest first.
    fn list(&self, query: &JobQuery) -> Result<Vec<Receipt>, ControlError>;
    /// The configuration in force.
    fn configuration(&self) -> Arc<ActiveConfig>;
    /// The groups whose members are operators.
    fn operators(&self) -> &OperatorGroups;
    /// Maximum size of a submitted package in bytes.
    fn max_package(&self) -> u64;
    /// The summary that `dropship status` prints.
    fn status(&self) -> Result<Status, ControlError>;
    /// Compares the store with its files on disk.
    fn doctor(&self) -> Result<Vec<Finding>, ControlError>;
    /// The state of the file at a path, as the daemon sees it.
    fn file_standing(&self, path: &Path) -> Result<FileStanding, ControlError>;
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
        by: &'a Operator,
    ) -> BoxFuture<'a, Result<Receipt, ControlError>>;
    /// Records a change that an operator made to a label with `dropship api`. Returns the job that created the label,
    /// if there is one.
    fn record_label_change(
        &self,
        label: LabelId,
        change: LabelChange,
        by: String,
    ) -> BoxFuture<'_, Result<Option<JobId>, ControlError>>;
    /// Calls `each` with every package that arrived at `since` or later, and with the text of its record.
    fn remembered(
        &self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&RememberedPackage, &[u8]) -> io::Result<()>,
    ) -> Result<(), ControlError>;
    /// What inspection found in the package of a job, and its plan; `None` if it is not known.
    fn package_record(&self, id: &JobId) -> Result<Option<PackageRecord>, ControlError>;
    /// The stored driver metadata of a job; `None` if Microsoft has sent none yet.
    fn driver_metadata(&self, id: &JobId) -> Result<Option<Vec<u8>>, ControlError>;
    /// What the labels of a job reach, in their order.
    fn label_reach(&self, id: &JobId) -> Result<Vec<LabelReach>, ControlError>;
    /// Which configuration is active, and how the last reload ended.
    fn configuration_standing(&self) -> ConfigurationStanding;
    /// The calls of the API in the last two days.
    fn calls(&self) -> Calls;
    /// What a reload would change, for the newest `max_jobs` unfinished jobs. Nothing is applied.
    fn preview_reload(&self, max_jobs: usize) -> BoxFuture<'_, Result<Reloaded, ControlError>>;
    /// Applies the configuration on disk, completely or not at all.
    fn reload<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<Reloaded, ControlError>>;
    /// Follows a submission that was made elsewhere. Returns its job.
    fn adopt(&self, request: AdoptRequest, by: String) -> BoxFuture<'_, Result<JobId, ControlError>>;
    /// Admits a package whose bytes are in the request.
    fn submit(&self, request: &SubmitRequest, bytes: &mut dyn io::Read) -> Result<JobId, ControlError>;
}

/// The parameters of `dropship adopt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdoptRequest {
    /// Id of the product.
    pub product: ProductId,
    /// Id of the submission.
    pub submission: SubmissionId,
    /// Folder whose settings and rules apply.
    #[serde(default)]
    pub folder: Option<String>,
    /// Rule to use instead of the first matching one.
    #[serde(default)]
    pub rule: Option<String>,
}

/// The parameters of `dropship submit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// File name of the package.
    pub name: String,
    /// Folder whose settings and rules apply.
    #[serde(default)]
    pub folder: Option<String>,
    /// Rule to use instead of the first matching one.
    #[serde(default)]
    pub rule: Option<String>,
}

/// Maximum length of a file name in bytes, as on file systems.
const MAX_NAME: usize = 255;

impl SubmitRequest {
    /// Refuses a name that is a path: receipts show it to build servers, which may use it as a name.
    ///
    /// # Errors
    /// When it is not the name of a file.
    pub fn check_name(&self) -> Result<(), ControlError> {
        let is_name = Path::new(&self.name).file_name().is_some_and(|file| file == self.name.as_str());
        if is_name && self.name.len() <= MAX_NAME && !self.name.contains('\0') {
            return Ok(());
        }
        let shown: String = self.name.chars().take(MAX_NAME).collect();
        let why =
            format!("`{shown}` is not the name of a file; submit the package under a name without folders");
        Err(ControlError::failed(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_submitted_package_that_is_a_path_is_refused() {
        let check = |name: &str| {
            SubmitRequest { name: name.to_owned(), folder: None, rule: None }.check_name().is_ok()
        };
        for name in
            ["../x.cab", "/x.cab", "a/b.cab", "..", ".", "", "x.cab/", "x.cab/.", "a\0.cab", &"x".repeat(256)]
        {
            assert!(!check(name), "{name}");
        }
        for name in ["x.cab", "..x", "-rf", "a b\u{202e}.cab", &"x".repeat(255)] {
            assert!(check(name), "{name}");
        }
    }
}
