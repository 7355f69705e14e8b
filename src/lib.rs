//! dropship: from a drop folder to a published shipping label.

pub mod job;
pub mod outbox;
pub mod package;
pub mod redact;
pub mod store;
