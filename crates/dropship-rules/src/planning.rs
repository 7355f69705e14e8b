//! Plans a package by a list of rules, and records how, so that the package can be planned again in the same way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::choice::choose;
use crate::input::MatchInput;
use crate::plan::{Plan, PlanError, plan};
use crate::rule::{Rule, SkippedRule};

/// Maximum number of skipped rules that are recorded with a plan.
const MAX_SKIPPED: usize = 100;

/// How a plan was made. It is stored with the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    /// The time from which offsets such as `+30d` count.
    pub at: Timestamp,
    /// The rule that the submitter named instead of the first one that matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_rule: Option<String>,
    /// The rules that did not match, as far as they come before the chosen one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedKeys>,
}

/// A rule that did not match a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedKeys {
    /// Name of the rule.
    pub rule: String,
    /// The keys of the conditions that did not hold, such as `match.provider`.
    pub keys: Vec<String>,
}

impl Planning {
    /// A plan at `at` without a rule that the submitter named.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, named_rule: None, skipped: Vec::new() }
    }

    /// The same for a rule that the submitter named.
    #[must_use]
    pub fn by_rule(self, name: Option<&str>) -> Self {
        Self { named_rule: name.map(str::to_owned), ..self }
    }

    /// Whether rules were skipped that are not recorded.
    pub(crate) fn is_truncated(&self) -> bool {
        self.skipped.len() >= MAX_SKIPPED
    }

    fn record(&mut self, skipped: &[SkippedRule]) {
        let keys =
            |skipped: &SkippedRule| SkippedKeys { rule: skipped.rule.clone(), keys: skipped.keys.clone() };
        self.skipped = skipped.iter().take(MAX_SKIPPED).map(keys).collect();
    }
}

/// Why rules make no plan for a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanningError {
    /// No rule has the name that the submitter gave.
    #[error("there is no rule named `{0}`")]
    UnknownRule(String),
    /// The rule that the submitter named does not match.
    #[error("rule `{rule}` does not match this package: {}", reasons.join("; "))]
    NotMatching {
        /// Name of the rule.
        rule: String,
        /// One sentence for each condition that does not hold.
        reasons: Vec<String>,
    },
    /// No rule matches; the text names those that came closest.
    #[error("{0}")]
    NoRule(String),
    /// The rule cannot be applied to the package.
    #[error("{0}")]
    Unfit(PlanError),
}

/// The plan of a package, and how it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plan, or why there is none.
    pub plan: Result<Plan, PlanningError>,
    /// How it was made.
    pub planning: Planning,
}

/// Plans a package by the first rule that matches, or by the rule that `planning` names. A named rule must match too: the
/// submitter selects among the rules that apply. The rules that `planning` has as skipped are replaced.
#[must_use]
pub fn plan_package(rules: &[Rule], input: &MatchInput<'_>, mut planning: Planning) -> Planned {
    planning.skipped.clear();
    let chosen = match &planning.named_rule {
        Some(name) => find_named(rules, input, name),
        None => {
            let choice = choose(rules, input);
            planning.record(&choice.skipped);
            choice.rule.ok_or_else(|| PlanningError::NoRule(choice.rejection()))
        }
    };
    let plan = chosen.and_then(|rule| plan(rule, input, planning.at).map_err(PlanningError::Unfit));
    Planned { plan, planning }
}

fn find_named<'a>(rules: &'a [Rule], input: &MatchInput<'_>, name: &str) -> Result<&'a Rule, PlanningError> {
    let rule = rules.iter().find(|rule| rule.name == name);
    let rule = rule.ok_or_else(|| PlanningError::UnknownRule(name.to_owned()))?;
    let reasons = rule.explain(input).reasons;
    if reasons.is_empty() {
        return Ok(rule);
    }
    Err(PlanningError::NotMatching { rule: name.to_owned(), reasons })
}
