//! `[[test]]`: tests that operators write for their rules.

mod compare;
mod model;
mod run;
mod targets;

pub use model::{Difference, Expect, Fields, Outcome, RuleTest};
pub use run::run;
