//! Shipping labels: from a [`LabelPlan`](crate::LabelPlan) and the driver metadata to the request, its problems and
//! its warnings.

pub mod audiences;
mod gaps;
mod guard;
mod hardware_ids;
mod inf_mismatch;
mod preview;
mod reach;
mod request;
mod select;
mod supersede;
mod warnings;

pub use gaps::{gaps, selects};
pub use guard::{Everybody, Guard, GuardVerdict, Unforeseen};
pub use inf_mismatch::InfMismatch;
pub use preview::{
    Ceiling, LabelPreview, assumed_audiences, earliest, predicted_folder, predicted_metadata, preview,
    preview_with,
};
pub use reach::{Narrower, Reach};
pub use request::{GO_LIVE_PASSED, LabelProblem, build, essence};
pub(crate) use select::{MetadataRow, rows, select};
pub use supersede::{SeriesLabel, Superseded, Versions, has_lower_version, supersede, versions};
pub use warnings::{LabelWarning, warnings};

#[cfg(test)]
mod tests;
