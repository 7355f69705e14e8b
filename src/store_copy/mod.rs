//! Copies a whole store to another place: from a folder to a database, back, or to another folder.

mod job;
mod location;
mod packages;

pub use job::{CopyJob, CopyOutcome, PackageCopy};
pub use location::StoreLocation;
pub use packages::PackagesCopied;
