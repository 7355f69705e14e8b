#![doc = include_str!("../README.md")]

mod credential;
mod messages;
mod started_by;
mod timeouts;
mod unit_status;

pub use credential::{CredentialError, credential};
pub use started_by::{is_unit, stderr_is_the_journal};
pub use timeouts::{Extending, extend_timeouts, feed_watchdog, watchdog};
pub use unit_status::{Reloading, UnitStatus, stopping};
