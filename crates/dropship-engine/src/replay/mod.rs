//! Plans the packages that the store remembers again by other rules, and compares: `plan --replay`, and the unfinished jobs of a
//! reload.

mod package;
mod report;
mod stream;

pub use package::{PackageDifferences, ReplayRules, replay_job};
pub use report::describe;
pub use stream::{Record, RememberedPackage, each_remembered};
