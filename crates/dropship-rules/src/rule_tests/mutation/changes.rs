//! Every change of a rule that is tried.

use super::mutant::{Effect, Mutant, RuleEdit};
use super::{labels, matching, order};
use crate::rule::Rule;
use crate::rule_tests::part::{Part, RulePart};

/// The mutants of the rule at an index.
#[must_use]
pub fn mutants(rules: &[Rule], index: usize) -> Vec<Mutant> {
    let Some(rule) = rules.get(index) else { return Vec::new() };
    let mut mutants = matching::mutants(rule, index);
    mutants.extend(labels::mutants(rule, index));
    if let Some(next) = rules.get(index + 1)
        && !order::are_disjoint(rule, next)
    {
        mutants.push(Mutant {
            part: RulePart { rule: index, part: Part::Whole },
            change: format!("after `{}`, the next rule", next.name),
            effect: Effect::MorePackages,
            edit: RuleEdit::SwapWithNext,
        });
    }
    mutants.push(Mutant {
        part: RulePart { rule: index, part: Part::Whole },
        change: "removed".to_owned(),
        effect: Effect::Other,
        edit: RuleEdit::Remove,
    });
    mutants
}
