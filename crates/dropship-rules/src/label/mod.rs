//! Shipping labels: from a [`LabelPlan`](crate::LabelPlan) and the driver metadata to the request, its problems and
//! its warnings.

pub mod audiences;
mod gaps;
mod hardware_ids;
mod preview;
mod request;
mod select;
mod supersede;
mod warnings;

pub use gaps::{gaps, selects};
pub use preview::{Ceiling, LabelPreview, preview, preview_with};
pub use request::{GO_LIVE_PASSED, LabelProblem, build, essence};
pub use supersede::{Published, Superseded, supersede, versions};
pub use warnings::{LabelWarning, warnings};

#[cfg(test)]
mod tests;
