//! Rules with one change.

use serde::Serialize;

use crate::rule::Rule;
use crate::rule_tests::part::RulePart;

/// What a change does to the reach of the rules, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// A label reaches more machines.
    MoreMachines,
    /// A rule takes more packages, or packages of another rule.
    MorePackages,
    /// A label is published earlier, or without an operator.
    Sooner,
    /// Any other change.
    Other,
}

impl Effect {
    /// Every effect, worst first.
    pub const ALL: [Self; 4] = [Self::MoreMachines, Self::MorePackages, Self::Sooner, Self::Other];

    /// Whether a driver reaches machines that it would not have reached, or reaches them earlier.
    #[must_use]
    pub fn widens(self) -> bool {
        self != Self::Other
    }
}

/// The rules with one change.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// What is changed.
    pub part: RulePart,
    /// The change, in words.
    pub change: String,
    /// What it does to the reach.
    pub effect: Effect,
    pub(super) edit: RuleEdit,
}

/// The change.
#[derive(Debug, Clone)]
pub(super) enum RuleEdit {
    /// The rule has other conditions.
    Conditions(Box<Rule>),
    /// The rule asks for something else.
    Request(Box<Rule>),
    /// The rule is removed.
    Remove,
    /// The rule comes after the next one.
    SwapWithNext,
}
