//! `[[test]]`: tests that operators write for their rules, what they cover, and which faults of the rules they notice.

mod chain;
mod compare;
mod coverage;
mod fields;
mod model;
pub mod mutation;
mod part;
mod run;
mod targets;

pub use chain::{ChainExpect, ChainStep, ChainTrace, fit_each_other};
pub use compare::compare;
pub use coverage::{Coverage, CoverageItem, Observation, coverage};
pub use fields::ExpectedFields;
pub use model::{CaseResult, Expect, Mismatch, RuleTest};
pub use part::{LabelKey, Part, RulePart, Segment};
pub use run::{EvaluatedCase, basis, evaluate};
