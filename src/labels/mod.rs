//! From a rule's label and the driver metadata to a shipping-label request, and what is wrong with it.

mod audiences;
mod build;
mod foresee;
pub mod rules;
mod select;
mod supersede;
mod warnings;

pub use build::{LabelProblem, build};
pub use foresee::{Foreseen, foresee};
pub use select::Row;
pub use supersede::{Published, Superseded, supersede, versions};
pub use warnings::{LabelWarning, warnings};

#[cfg(test)]
mod tests;
