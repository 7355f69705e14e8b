//! The requests that a rule yields for a package.

mod build;
mod label;
mod model;
mod product;
mod render;

pub use build::{PlanError, plan};
pub use model::{ChidPlan, DestinationPlan, LabelDependency, LabelPlan, Plan, StrategyPlan};
