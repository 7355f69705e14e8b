//! Counters of events that cannot be counted later.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::exposition::ExpositionText;
use super::registry;
use dropship_hardware::OPERATIONS;
use dropship_intake::FileLoss;
use dropship_job::{Event, Job, StateKind};

/// The states in which a job has ended.
const ENDED: [StateKind; 4] =
    [StateKind::Succeeded, StateKind::Failed, StateKind::Rejected, StateKind::Cancelled];

/// Counters since the start of the daemon.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<CounterValues>);

#[derive(Debug, Default)]
struct CounterValues {
    /// By state.
    transitions: BTreeMap<StateKind, u64>,
    /// By rule and state.
    ended: BTreeMap<(String, StateKind), u64>,
    uploaded: u64,
    /// Files and submissions with the bytes of a job.
    same_bytes: u64,
    /// By operation and status.
    calls: BTreeMap<(&'static str, Option<u16>), u64>,
    /// By operation: number and total duration.
    durations: BTreeMap<&'static str, (u64, Duration)>,
    /// Files that were found and never taken, by folder.
    lost: BTreeMap<(String, FileLoss), u64>,
}

impl CounterValues {
    fn write_lost(&self, text: &mut ExpositionText) {
        let mut family = text.family(&registry::FILES_LOST);
        for ((folder, how), count) in &self.lost {
            family.sample(&[folder, how.as_str()], *count as f64);
        }
    }
}

impl Metrics {
    /// Counts events of a job.
    pub fn on_event(&self, job: &Job, events: &[Event]) {
        let mut counters = self.counters();
        let state = job.state().kind();
        *counters.transitions.entry(state).or_default() += 1;
        for event in events {
            match event {
                Event::Uploaded { bytes } => counters.uploaded += bytes,
                Event::SameBytes { .. } => counters.same_bytes += 1,
                Event::Rejected { .. }
                | Event::Failed { .. }
                | Event::Cancelled { .. }
                | Event::Succeeded => {
                    let rule = job.rule().map(str::to_owned).unwrap_or_default();
                    *counters.ended.entry((rule, state)).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// Counts a call of the API; `status` is absent if no response arrived.
    pub fn on_call(&self, operation: &'static str, status: Option<u16>, took: Duration) {
        let mut counters = self.counters();
        *counters.calls.entry((operation, status)).or_default() += 1;
        let sum = counters.durations.entry(operation).or_default();
        sum.0 += 1;
        sum.1 += took;
    }

    /// Starts the counters of a folder at zero.
    pub fn add_folder(&self, folder: &str) {
        let mut counters = self.counters();
        for how in FileLoss::ALL {
            counters.lost.entry((folder.to_owned(), how)).or_default();
        }
    }

    /// Counts a file that was found and never taken.
    pub fn on_lost_file(&self, folder: &str, how: FileLoss) {
        *self.counters().lost.entry((folder.to_owned(), how)).or_default() += 1;
    }

    /// Writes the metrics. Each rule in `rules`, each state and each operation has samples from the start.
    pub fn write(&self, text: &mut ExpositionText, rules: &[&str]) {
        let counters = self.counters();
        let mut family = text.family(&registry::JOB_TRANSITIONS);
        for state in StateKind::ALL {
            let count = counters.transitions.get(&state).copied().unwrap_or_default();
            family.sample(&[state.as_str()], count as f64);
        }
        let mut ended: BTreeMap<(&str, StateKind), u64> = BTreeMap::new();
        for rule in rules.iter().copied().chain([""]) {
            ended.extend(ENDED.map(|state| ((rule, state), 0)));
        }
        ended.extend(counters.ended.iter().map(|((rule, state), count)| ((rule.as_str(), *state), *count)));
        let mut family = text.family(&registry::JOBS_ENDED);
        for ((rule, state), count) in ended {
            family.sample(&[rule, state.as_str()], count as f64);
        }
        text.one(&registry::UPLOAD_BYTES, counters.uploaded as f64);
        counters.write_lost(text);
        text.one(&registry::SAME_BYTES, counters.same_bytes as f64);
        let mut calls: BTreeMap<_, u64> = OPERATIONS.map(|operation| ((operation, None), 0)).into();
        calls.extend(&counters.calls);
        let mut family = text.family(&registry::API_REQUESTS);
        for ((operation, status), count) in calls {
            let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            family.sample(&[operation, &code], count as f64);
        }
        let mut durations: BTreeMap<_, _> =
            OPERATIONS.map(|operation| (operation, (0, Duration::ZERO))).into();
        durations.extend(&counters.durations);
        let mut family = text.family(&registry::API_REQUEST_DURATION);
        for (operation, (count, sum)) in durations {
            family.suffixed("_sum", &[operation], sum.as_secs_f64());
            family.suffixed("_count", &[operation], count as f64);
        }
    }

    /// Writes the lost files only: the metrics of a node that processes no jobs.
    pub fn write_lost(&self, text: &mut ExpositionText) {
        self.counters().write_lost(text);
    }

    fn counters(&self) -> MutexGuard<'_, CounterValues> {
        self.0.lock()
    }
}
