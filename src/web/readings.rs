//! What the pages may read: the read half of the interface between commands and daemon. The pages have nothing else, so they
//! cannot change anything.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use crate::control::{Calls, ConfigurationStanding, ControlHandler, PackageRecord, Reloaded, Status};
use dropship_engine::admission::ActiveConfig;
use dropship_engine::operations::{ControlError, LabelReach, ReachingLabel, WhoQuery};
use dropship_engine::outbox::Receipt;
use dropship_job::{Job, JobId};

/// The readings. All of them may block.
#[derive(Clone)]
pub(super) struct Readings {
    handler: Arc<dyn ControlHandler>,
}

impl Readings {
    pub(super) fn new(handler: Arc<dyn ControlHandler>) -> Self {
        Self { handler }
    }

    /// The summary that `dropship status` prints.
    pub(super) fn status(&self) -> Result<Status, ControlError> {
        self.handler.status()
    }

    /// Jobs as they are stored, newest first.
    pub(super) fn stored_jobs(&self, before: Option<JobId>, limit: usize) -> Result<Vec<Job>, ControlError> {
        self.handler.jobs().stored(before, limit)
    }

    /// The jobs that workers process now.
    pub(super) fn running(&self) -> BTreeSet<JobId> {
        self.handler.jobs().running().into_iter().collect()
    }

    /// One job without its history.
    pub(super) fn current(&self, id: &JobId) -> Result<Receipt, ControlError> {
        self.handler.jobs().current(id)
    }

    /// What inspection found in a package, and its plan.
    pub(super) fn record(&self, id: &JobId) -> Result<Option<PackageRecord>, ControlError> {
        self.handler.package_record(id)
    }

    /// Opens a result of a job in its outbox.
    pub(super) fn open_result(&self, id: &JobId, name: &str) -> Result<File, ControlError> {
        self.handler.jobs().open_result(id, name)
    }

    /// The size of a result in the outbox of a job.
    pub(super) fn result_size(&self, job: &Receipt, name: &str) -> Result<u64, ControlError> {
        self.handler.jobs().result_size(job, name)
    }

    /// One job with its history.
    pub(super) fn job(&self, id: &JobId) -> Result<Receipt, ControlError> {
        self.handler.jobs().show(id)
    }

    /// The published labels that reach a device.
    pub(super) fn who(&self, query: &WhoQuery) -> Result<Vec<ReachingLabel>, ControlError> {
        self.handler.jobs().who(query)
    }

    /// What the labels of a job reach, in their order.
    pub(super) fn label_reach(&self, id: &JobId) -> Result<Vec<LabelReach>, ControlError> {
        self.handler.label_reach(id)
    }

    /// Which configuration is active, and how the last reload ended.
    pub(super) fn configuration_standing(&self) -> ConfigurationStanding {
        self.handler.configuration_standing()
    }

    /// The calls of the API in the last two days.
    pub(super) fn calls(&self) -> Calls {
        self.handler.calls()
    }

    /// What a reload would change, for the newest `max_jobs` unfinished jobs. It needs the runtime of the workers.
    pub(super) async fn preview_reload(&self, max_jobs: usize) -> Result<Reloaded, ControlError> {
        self.handler.preview_reload(max_jobs).await
    }

    /// The configuration in force.
    pub(super) fn configuration(&self) -> Arc<ActiveConfig> {
        self.handler.configuration()
    }
}
