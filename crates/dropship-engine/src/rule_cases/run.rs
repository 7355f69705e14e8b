//! One case: its plan, then its walk through time.

use jiff::Timestamp;

use super::walk;
use dropship_config::Config;
use dropship_rules::Rule;
use dropship_rules::label::Guard;
use dropship_rules::rule_tests::{CaseResult, ChainTrace, EvaluatedCase, RuleTest, evaluate};

/// A case that was run.
pub struct CaseRun<'a> {
    /// The rule, the plan, and everything that was not as expected.
    pub evaluated: EvaluatedCase<'a>,
    /// What the case saw of the labels over time.
    pub trace: ChainTrace,
}

impl CaseRun<'_> {
    /// The outcome of the case.
    #[must_use]
    pub fn outcome(&self, test: &RuleTest) -> CaseResult {
        self.evaluated.outcome(test)
    }
}

/// Runs a case with the rules and limits of a configuration, without a call. Offsets count from `now`, unless the case names a time.
#[must_use]
pub fn run<'a>(test: &RuleTest, rules: &'a [Rule], guard: &Guard, now: Timestamp) -> CaseRun<'a> {
    let mut evaluated = evaluate(test, rules, now);
    let mut trace = ChainTrace::default();
    if !test.steps.is_empty() {
        let differences = match &evaluated.plan {
            Some(plan) => walk::walk(test, plan, guard, test.start(now), &mut trace),
            None => walk::without_plan(test),
        };
        evaluated.differences.extend(differences);
    }
    CaseRun { evaluated, trace }
}

/// The outcomes of all cases of a configuration.
#[must_use]
pub fn outcomes(config: &Config, now: Timestamp) -> Vec<CaseResult> {
    config.tests.iter().map(|test| run(test, &config.rules, &config.guard, now).outcome(test)).collect()
}
