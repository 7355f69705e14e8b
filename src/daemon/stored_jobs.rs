//! What a process without workers says and plans about the jobs of a store: a node that stands by, and a command without a daemon.

use crate::control::{LabelNotWithdrawn, Status, nodes_of};
use dropship_config::model::Config;
use dropship_engine::admission;
use dropship_engine::operations::{ControlError, ControlErrorKind, JobService, LabelPlanner};
use dropship_engine::outbox::Receipt;
use dropship_engine::package_store::PackageStore;
use dropship_engine::pipeline::PauseGate;
use dropship_job::{Event, Job};
use dropship_store::Store;

/// The summary as far as the store has it, without a running daemon.
///
/// # Errors
/// When the store cannot be read.
pub fn stored_status(store: &dyn Store, config: &Config, jobs: &JobService) -> Result<Status, ControlError> {
    let receipts = store.open_jobs()?.into_iter().map(|job| Receipt::of(&job, false));
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        running: false,
        since: None,
        node: config.store.node().map(str::to_owned),
        stands_by_for: None,
        nodes: nodes_of(store),
        endpoint: config.api.endpoint.to_string(),
        sandbox: false,
        jobs: jobs.counts()?,
        paused: PauseGate::remembered(store)?.scopes().into_iter().collect(),
        accounts: Vec::new(),
        not_withdrawn: receipts.flat_map(LabelNotWithdrawn::of).collect(),
        folders: Vec::new(),
        trouble: Vec::new(),
        restart: Vec::new(),
    })
}

/// Plans labels by a configuration as it was read.
pub struct ConfiguredPlanner<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The packages and their plans.
    pub packages: &'a PackageStore,
}

impl LabelPlanner for ConfiguredPlanner<'_> {
    fn replan(&self, job: &Job) -> Result<Option<Event>, ControlError> {
        admission::replan(&self.config.rules, self.packages, job)
            .map_err(|error| ControlError::new(ControlErrorKind::Illegal, error.to_string()))
    }
}
