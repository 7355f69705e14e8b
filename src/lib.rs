//! dropship: from a drop folder to a published shipping label.

pub mod package;
pub mod redact;
