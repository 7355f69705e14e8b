//! Metrics for Prometheus.
//!
//! Most values are read when they are scraped; only events that cannot be counted later have counters here. The number of
//! label values is bounded: states, rules, folders and accounts of the configuration, and operations of the API. File
//! names and ids are never label values.

mod call_history;
mod counters;
mod exposition;
pub mod registry;

pub use call_history::{AccountCalls, CallHistory, CallHour};
pub use counters::Metrics;
pub use exposition::{ExpositionText, MetricFamily};
pub use registry::{Metric, MetricKind, MetricScope};
