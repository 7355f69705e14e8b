//! Notifications about jobs and accounts: webhooks and commands.
//!
//! Events are queued in memory, so that no job waits for a notification. A thread writes them to the spool. One task per
//! target delivers the spooled notifications, and retries each until the target accepts it or it is too old.
//!
//! The spool records the time up to which it is complete. If the daemon dies between the change of a job and the spool, the
//! next start creates the missing notifications. A notification may be delivered twice, with the same id.

mod command;
mod delivery;
mod notification;
mod notifier;
mod spool;
mod spool_folder;
mod target;
mod webhook;

pub use notifier::Notifier;
