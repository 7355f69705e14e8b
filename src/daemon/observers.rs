//! The daemon's observer of jobs and accounts: metrics and notifications.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::pipeline::JobObserver;
use dropship_job::{Event, Job};

pub(super) struct DaemonObserver {
    metrics: Arc<Metrics>,
    notifier: Arc<Notifier>,
}

impl DaemonObserver {
    pub(super) fn new(metrics: Arc<Metrics>, notifier: Arc<Notifier>) -> Self {
        Self { metrics, notifier }
    }
}

impl JobObserver for DaemonObserver {
    fn on_event(&self, job: &Job, events: &[Event]) {
        self.metrics.on_event(job, events);
        self.notifier.on_event(job, events);
    }

    fn on_account(&self, name: &str, suspended: Option<&str>) {
        if let Some(why) = suspended {
            self.notifier.account(name, why);
        }
    }
}
