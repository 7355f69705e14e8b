//! Copies a whole store to another place: from a folder to a database, back, or to another folder.

mod job;
mod packages;
mod place;

pub use job::{CopyJob, Outcome, Packages};
pub use packages::PackagesCopied;
pub use place::Place;
