//! The log. Each line that is logged in several places, or that needs an administrator, is a function here.

mod account;
mod activity;
mod crash;
mod daemon;
mod event_log;
mod failure_cause;
mod failure_causes;
mod folders;
mod heartbeat;
pub mod id;
mod init;
mod job_line;
mod jobs;
mod label_drift;
mod level;
mod log_throttle;
mod masking;
mod notifications;
mod outcome_causes;
mod store;
mod terminal;
#[cfg(test)]
mod tests;

pub use account::{account_resumed, account_suspended};
pub use activity::{Activities, Activity};
pub use crash::mask_panics;
pub use daemon::*;
pub use event_log::{Causes, log_event};
pub use folders::*;
pub use heartbeat::{Heartbeat, Heartbeats, Restart, SilenceOf};
pub use init::{LogFormat, init};
pub use jobs::*;
pub use label_drift::label_of_pruned_job_drifted;
pub use level::{LogLevel, set_log_level};
pub use log_throttle::LogThrottle;
pub use notifications::*;
pub use store::*;
