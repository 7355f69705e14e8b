//! Shipping labels: from a [`LabelPlan`](crate::LabelPlan) and the driver metadata to the request, its problems and
//! its warnings.

mod audiences;
mod hardware_ids;
mod preview;
mod request;
mod select;
mod supersede;
mod warnings;

pub use preview::{LabelPreview, preview};
pub use request::{GO_LIVE_PASSED, LabelProblem, build, essence};
pub use supersede::{Published, Superseded, supersede, versions};
pub use warnings::{LabelWarning, warnings};

#[cfg(test)]
mod tests;
