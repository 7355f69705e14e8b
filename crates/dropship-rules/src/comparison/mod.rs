//! What a change of the rules changes for a package: two plans in, a list of differences with their causes out.
//!
//! Nothing here reads files or the clock. `plan --replay`, `reload --dry-run` and the log of a reload use it.

mod cause;
mod choice;
mod difference;
mod fields;
mod labels;
mod pairs;
mod replay;
mod summary;
mod targets;

pub use cause::Cause;
pub use difference::{LabelTarget, PlanChange, PlanDifference, TargetChange, ValueChange};
pub use labels::{FILTER, label_changes};
pub use replay::{PlannedPackage, PlanningOutcome, replay};
pub use summary::{CauseCount, DifferenceCounts, Summary};
