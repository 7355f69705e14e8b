//! Counters of events that cannot be counted later.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use super::exposition::{Kind, Text};
use dropship_job::{Event, Job};

/// Counters since the start of the daemon.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// By state.
    transitions: BTreeMap<&'static str, u64>,
    /// By rule and state.
    ended: BTreeMap<(String, &'static str), u64>,
    uploaded: u64,
    /// By operation and status.
    calls: BTreeMap<(&'static str, Option<u16>), u64>,
    /// By operation: number and total duration.
    durations: BTreeMap<&'static str, (u64, Duration)>,
    /// Outcome and time of the last reload.
    reloaded: Option<(bool, Timestamp)>,
}

impl Metrics {
    /// Counts events of a job.
    pub fn on_event(&self, job: &Job, events: &[Event]) {
        let mut counted = self.counted();
        let state = job.state().kind().as_str();
        *counted.transitions.entry(state).or_default() += 1;
        for event in events {
            match event {
                Event::Uploaded { bytes } => counted.uploaded += bytes,
                Event::Rejected { .. }
                | Event::Failed { .. }
                | Event::Cancelled { .. }
                | Event::Succeeded => {
                    let rule = job.rule().map(str::to_owned).unwrap_or_default();
                    *counted.ended.entry((rule, state)).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// Counts a call of the API; `status` is absent if no response arrived.
    pub fn on_call(&self, operation: &'static str, status: Option<u16>, took: Duration) {
        let mut counted = self.counted();
        *counted.calls.entry((operation, status)).or_default() += 1;
        let sum = counted.durations.entry(operation).or_default();
        sum.0 += 1;
        sum.1 += took;
    }

    /// Records the outcome of a reload.
    pub fn reloaded(&self, is_applied: bool, at: Timestamp) {
        self.counted().reloaded = Some((is_applied, at));
    }

    /// Outcome and time of the last reload.
    #[must_use]
    pub fn last_reload(&self) -> Option<(bool, Timestamp)> {
        self.counted().reloaded
    }

    /// Writes the metrics.
    pub fn write(&self, text: &mut Text) {
        let counted = self.counted();
        let mut family = text.family(
            "dropship_job_transitions_total",
            Kind::Counter,
            "State transitions of jobs, by new state",
        );
        for (state, count) in &counted.transitions {
            family.sample(&[("to", state)], *count as f64);
        }
        let mut family =
            text.family("dropship_jobs_ended_total", Kind::Counter, "Ended jobs, by rule and state");
        for ((rule, state), count) in &counted.ended {
            family.sample(&[("rule", rule), ("state", state)], *count as f64);
        }
        text.one(
            "dropship_upload_bytes_total",
            Kind::Counter,
            "Uploaded bytes of packages",
            counted.uploaded as f64,
        );
        let mut family = text.family(
            "dropship_api_requests_total",
            Kind::Counter,
            "Calls of the Hardware dashboard API, by operation and HTTP status (none: no response)",
        );
        for ((operation, status), count) in &counted.calls {
            let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            family.sample(&[("operation", operation), ("code", &code)], *count as f64);
        }
        let mut family = text.family(
            "dropship_api_request_duration_seconds",
            Kind::Summary,
            "Duration of API calls, by operation",
        );
        for (operation, (count, sum)) in &counted.durations {
            family.suffixed("_sum", &[("operation", operation)], sum.as_secs_f64());
            family.suffixed("_count", &[("operation", operation)], *count as f64);
        }
        if let Some((is_applied, at)) = counted.reloaded {
            let help = "Whether the last reload of the configuration was applied";
            text.one(
                "dropship_config_last_reload_successful",
                Kind::Gauge,
                help,
                f64::from(u8::from(is_applied)),
            );
            let help = "Time of the last reload of the configuration";
            text.one(
                "dropship_config_last_reload_timestamp_seconds",
                Kind::Gauge,
                help,
                at.as_second() as f64,
            );
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock()
    }
}
