//! Runs the cases against each mutant.

use super::changes::mutants;
use super::mutant::{Effect, Mutant, RuleEdit};
use crate::rule::Rule;
use crate::rule_tests::model::RuleTest;
use crate::rule_tests::part::RulePart;

/// A mutant that no case notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// What is changed.
    pub part: RulePart,
    /// The name of that below the rule.
    pub name: String,
    /// The change, in words.
    pub change: String,
    /// What it does to the reach.
    pub effect: Effect,
}

/// The result of a mutation run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutationReport {
    /// Number of mutants.
    pub mutants: usize,
    /// The mutants that no case notices, worst first.
    pub survivors: Vec<Survivor>,
}

/// Runs the cases against each mutant of the rules. All cases pass with the rules as they are; `passes` runs one case.
pub fn mutate(
    rules: &[Rule],
    tests: &[RuleTest],
    mut passes: impl FnMut(&RuleTest, &[Rule]) -> bool,
) -> MutationReport {
    let chosen = |test: &RuleTest| {
        let input = test.input();
        rules.iter().position(|rule| rule.matches(&input))
    };
    let cases: Vec<_> = tests.iter().map(|test| (test, chosen(test))).collect();
    let mut report = MutationReport::default();
    let mut changed = rules.to_vec();
    for index in 0..rules.len() {
        for mutant in mutants(rules, index) {
            report.mutants += 1;
            apply(&mutant, index, &mut changed);
            let mut relevant =
                cases.iter().filter(|(test, chosen)| concerns(&mutant, index, rules, test, *chosen));
            let is_noticed = relevant.any(|(test, _)| !passes(test, &changed));
            restore(&mutant, index, rules, &mut changed);
            if !is_noticed {
                let Mutant { part, change, effect, .. } = mutant;
                let name = part.part.name(&rules[index]);
                report.survivors.push(Survivor { part, name, change, effect });
            }
        }
    }
    report.survivors.sort_by_key(|survivor| survivor.effect);
    report
}

fn apply(mutant: &Mutant, index: usize, rules: &mut Vec<Rule>) {
    match &mutant.edit {
        RuleEdit::Conditions(rule) | RuleEdit::Request(rule) => rules[index] = Rule::clone(rule),
        RuleEdit::Remove => drop(rules.remove(index)),
        RuleEdit::SwapWithNext => rules.swap(index, index + 1),
    }
}

fn restore(mutant: &Mutant, index: usize, original: &[Rule], rules: &mut Vec<Rule>) {
    match &mutant.edit {
        RuleEdit::Conditions(_) | RuleEdit::Request(_) => rules[index] = original[index].clone(),
        RuleEdit::Remove => rules.insert(index, original[index].clone()),
        RuleEdit::SwapWithNext => rules.swap(index, index + 1),
    }
}

/// Whether the outcome of a case can be another one. `chosen` is the rule that its package gets.
fn concerns(mutant: &Mutant, index: usize, rules: &[Rule], test: &RuleTest, chosen: Option<usize>) -> bool {
    let input = test.input();
    match &mutant.edit {
        RuleEdit::Request(_) => chosen == Some(index),
        // The reason of a rejection names the conditions of each rule that came close.
        RuleEdit::Conditions(rule) => match chosen {
            None => true,
            Some(chosen) if chosen == index => !rule.matches(&input),
            Some(chosen) => chosen > index && rule.matches(&input),
        },
        RuleEdit::Remove => chosen.is_none_or(|chosen| chosen == index),
        RuleEdit::SwapWithNext => {
            chosen == Some(index) && rules.get(index + 1).is_some_and(|next| next.matches(&input))
        }
    }
}
