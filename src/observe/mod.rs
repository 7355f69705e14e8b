//! The log: each line that is logged in more than one place, or that an administrator acts on, is a function here.

mod account;
mod daemon;
mod escaped;
mod event_log;
mod folders;
mod heartbeat;
pub mod id;
mod init;
mod job_line;
mod jobs;
mod log_throttle;
mod notifications;
mod store;
mod terminal;
#[cfg(test)]
mod tests;

pub use account::{account_resumed, account_suspended};
pub use daemon::*;
pub use escaped::Escaped;
pub use event_log::log_event;
pub use folders::*;
pub use heartbeat::{Heartbeat, Heartbeats};
pub use init::{Form, init};
pub use jobs::*;
pub use log_throttle::LogThrottle;
pub use notifications::*;
pub use store::*;
