//! Runs the `[[test]]` cases of a configuration. `dropship_rules::rule_tests` compares plans; this module walks the labels of a case
//! through time, with the state machine of `dropship-job` and the decisions of `crate::pipeline`.

mod chain_job;
mod run;
#[cfg(test)]
mod tests;
mod walk;

pub use run::{CaseRun, outcomes, run};
