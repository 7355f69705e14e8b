//! The checks of an inspection, and the report that collects their findings.

mod registry;
mod report;

pub use registry::CheckInfo;
pub(crate) use registry::{Check, KNOWN};
pub(crate) use report::Report;
