//! Metrics for Prometheus.
//!
//! Most values are read when they are scraped; events that leave no other trace are counted here. The values of metric
//! labels are bounded: states, rules, folders and accounts of the configuration, and operations of the API. File names
//! and ids are never label values.

mod counters;
mod exposition;

pub use counters::Metrics;
pub use exposition::{Family, Kind, Text};
