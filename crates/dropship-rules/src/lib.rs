#![doc = include_str!("../README.md")]

mod choice;
pub mod comparison;
pub mod date;
pub mod direction;
pub mod domains;
pub mod duration;
pub mod guid;
pub mod hold;
mod input;
pub mod label;
pub mod matching;
pub mod plan;
mod planning;
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
pub use planning::{Planned, Planning, PlanningError, plan_package};
pub use rule::{Rule, SkippedRule};
