//! Rules for driver packages.
//!
//! A rule says which packages it is for, and which product, submission and shipping labels they get. This crate
//! evaluates rules. It does not read configuration files, and it makes no network calls.
//!
//! 1. [`choose`] finds the first rule whose [`Matching`] holds for a package, the [`MatchInput`].
//! 2. [`plan()`] renders the rule's templates into a [`Plan`]: the requests as far as they are known before the
//!    service answers.
//! 3. [`label::build`] turns each [`LabelPlan`] and the driver metadata of the signed package into the request for
//!    a shipping label.
//!
//! [`rule_tests`] runs the tests that operators write for their rules.

mod choice;
pub mod date;
pub mod direction;
pub mod domains;
pub mod duration;
pub mod guid;
mod input;
pub mod label;
pub mod matching;
pub mod plan;
pub mod range;
pub mod rule;
pub mod rule_tests;
pub mod schedule;
pub mod suggest;
pub mod template;
pub mod vars;
pub mod version;
pub mod vocabulary;

pub use choice::{RuleChoice, choose, find};
pub use input::MatchInput;
pub use matching::Matching;
pub use plan::{LabelPlan, Plan, PlanError, plan};
pub use rule::{Rule, SkippedRule};
