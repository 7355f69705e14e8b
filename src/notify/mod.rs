//! Notifications about jobs and accounts: webhooks and commands.
//!
//! Events are handed over in memory, so that no job waits for a notification. A thread writes them to the spool; a task
//! per target delivers what is in the spool and retries until the target accepts it or it is too old.
//!
//! If the daemon dies between a job's change and the spool, the next start finds the missing notifications, because the
//! spool records up to which time it is complete. A notification may be delivered twice, with the same id.

mod command;
mod delivery;
mod notification;
mod notifier;
mod spool;
mod spool_folder;
mod target;
mod webhook;

pub use notifier::Notifier;
