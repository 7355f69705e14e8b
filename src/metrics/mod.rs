//! Numbers for Prometheus. Most are read when they are asked for; what only passes by is counted here.
//!
//! Labels are bounded: states, rules, folders and accounts of the configuration, operations of the API.
//! Never a file name, never an id.

mod text;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use text::{Kind, Text};

use dropship_job::{Event, Job};

/// What passes by.
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
    /// By operation: how many, and how long in sum.
    durations: BTreeMap<&'static str, (u64, Duration)>,
    /// When the configuration was last read anew, and whether that was well.
    reloaded: Option<(bool, Timestamp)>,
}

impl Metrics {
    /// Something happened to a job.
    pub fn told(&self, job: &Job, events: &[Event]) {
        let mut counted = self.counted();
        let state = job.state.kind().as_str();
        *counted.transitions.entry(state).or_default() += 1;
        for event in events {
            match event {
                Event::Uploaded { bytes } => counted.uploaded += bytes,
                Event::Rejected { .. }
                | Event::Failed { .. }
                | Event::Cancelled { .. }
                | Event::Succeeded => {
                    let rule = job.rule.clone().unwrap_or_default();
                    *counted.ended.entry((rule, state)).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// The service was called; `status` is absent where no answer came.
    pub fn called(&self, operation: &'static str, status: Option<u16>, took: Duration) {
        let mut counted = self.counted();
        *counted.calls.entry((operation, status)).or_default() += 1;
        let sum = counted.durations.entry(operation).or_default();
        sum.0 += 1;
        sum.1 += took;
    }

    /// The configuration was read anew, well or not.
    pub fn reloaded(&self, well: bool, at: Timestamp) {
        self.counted().reloaded = Some((well, at));
    }

    /// When the configuration was last read anew, and whether it came into force.
    #[must_use]
    pub fn last_reload(&self) -> Option<(bool, Timestamp)> {
        self.counted().reloaded
    }

    /// Writes what was counted.
    pub fn write(&self, text: &mut Text) {
        let counted = self.counted();
        let mut family = text.family(
            "dropship_job_transitions_total",
            Kind::Counter,
            "Changes of jobs, by the state after",
        );
        for (state, count) in &counted.transitions {
            family.sample(&[("to", state)], *count as f64);
        }
        let mut family =
            text.family("dropship_jobs_ended_total", Kind::Counter, "Jobs that ended, by rule and state");
        for ((rule, state), count) in &counted.ended {
            family.sample(&[("rule", rule), ("state", state)], *count as f64);
        }
        text.one(
            "dropship_upload_bytes_total",
            Kind::Counter,
            "Bytes of uploaded packages",
            counted.uploaded as f64,
        );
        let mut family = text.family(
            "dropship_api_requests_total",
            Kind::Counter,
            "Calls of the Hardware dashboard API, by operation and HTTP status (none: no answer)",
        );
        for ((operation, status), count) in &counted.calls {
            let code = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            family.sample(&[("operation", operation), ("code", &code)], *count as f64);
        }
        let mut family = text.family(
            "dropship_api_request_duration_seconds",
            Kind::Summary,
            "How long calls of the API took, by operation",
        );
        for (operation, (count, sum)) in &counted.durations {
            family.suffixed("_sum", &[("operation", operation)], sum.as_secs_f64());
            family.suffixed("_count", &[("operation", operation)], *count as f64);
        }
        if let Some((well, at)) = counted.reloaded {
            let help = "Whether the last reload of the configuration was well";
            text.one("dropship_config_last_reload_successful", Kind::Gauge, help, f64::from(u8::from(well)));
            let help = "When the configuration was last asked to be reloaded";
            text.one(
                "dropship_config_last_reload_timestamp_seconds",
                Kind::Gauge,
                help,
                at.as_second() as f64,
            );
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
