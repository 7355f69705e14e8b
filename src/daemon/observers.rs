//! The daemon's observers of jobs, accounts and folders: metrics, notifications and log.

use std::path::Path;
use std::sync::Arc;

use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::web::JobRows;
use dropship_engine::observe::FolderLog;
use dropship_engine::pipeline::{Deliveries, JobObserver};
use dropship_intake::{FileLoss, FolderEvents};
use dropship_job::{Event, Job, JobId};

/// What follows the jobs on every node, also while it stands by.
pub(super) struct JobFollowers {
    /// The results of folders that are on this node only.
    pub(super) deliveries: Arc<Deliveries>,
    /// The packages of the pages, if these are served.
    pub(super) rows: Option<Arc<JobRows>>,
}

impl JobObserver for JobFollowers {
    fn on_event(&self, job: &Job, events: &[Event]) {
        self.deliveries.on_event(job, events);
        if let Some(rows) = &self.rows {
            rows.on_event(job, events);
        }
    }

    fn on_recovered(&self, job: &Job) {
        self.deliveries.on_recovered(job);
        if let Some(rows) = &self.rows {
            rows.on_found(job);
        }
    }

    fn on_pruned(&self, id: &JobId) {
        if let Some(rows) = &self.rows {
            rows.on_pruned(id);
        }
    }
}

/// The observer of the jobs that this daemon processes.
pub(super) struct DaemonObserver {
    pub(super) metrics: Arc<Metrics>,
    pub(super) notifier: Arc<Notifier>,
    pub(super) followers: JobFollowers,
}

impl JobObserver for DaemonObserver {
    fn on_event(&self, job: &Job, events: &[Event]) {
        self.metrics.on_event(job, events);
        self.notifier.on_event(job, events);
        self.followers.on_event(job, events);
    }

    fn on_recovered(&self, job: &Job) {
        self.followers.on_recovered(job);
    }

    fn on_pruned(&self, id: &JobId) {
        self.followers.on_pruned(id);
    }

    fn on_account(&self, name: &str, suspended: Option<&str>) {
        if let Some(why) = suspended {
            self.notifier.on_account_suspended(name, why);
        }
    }
}

/// Logs the health of folders, and counts lost files.
pub(super) struct FolderObserver {
    log: FolderLog,
    metrics: Arc<Metrics>,
}

impl FolderObserver {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { log: FolderLog, metrics }
    }
}

impl FolderEvents for FolderObserver {
    fn degraded(&self, folder: &str, reason: &str, advice: &str) {
        self.log.degraded(folder, reason, advice);
    }

    fn polled(&self, folder: &str, reason: &str, advice: &str) {
        self.log.polled(folder, reason, advice);
    }

    fn recovered(&self, folder: &str) {
        self.log.recovered(folder);
    }

    fn lost(&self, folder: &str, path: &Path, how: FileLoss) {
        self.log.lost(folder, path, how);
        self.metrics.on_lost_file(folder, how);
    }
}
