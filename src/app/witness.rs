//! What the daemon does with what happens, besides log, queue and receipt: it counts and notifies.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::pipeline::Witness;
use crate::pulse::{Beat, Pulse};
use dropship_job::{Event, Job};

pub(super) struct DaemonWitness {
    dispatcher: Beat,
    metrics: Arc<Metrics>,
    notifier: Arc<Notifier>,
}

impl DaemonWitness {
    pub(super) fn new(pulse: &Pulse, metrics: Arc<Metrics>, notifier: Arc<Notifier>) -> Self {
        let dispatcher = Beat::default();
        pulse.listen("dispatcher", &dispatcher);
        Self { dispatcher, metrics, notifier }
    }
}

impl Witness for DaemonWitness {
    fn told(&self, job: &Job, events: &[Event]) {
        self.metrics.on_event(job, events);
        self.notifier.on_event(job, events);
    }

    fn account(&self, name: &str, paused: Option<&str>) {
        if let Some(why) = paused {
            self.notifier.account(name, why);
        }
    }

    fn beat(&self) {
        self.dispatcher.beat();
    }

    fn reloaded(&self, well: bool) {
        self.metrics.reloaded(well, jiff::Timestamp::now());
    }
}
