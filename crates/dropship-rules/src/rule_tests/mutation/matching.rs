//! Mutants of `folders` and `match`.

use super::mutant::{Effect, Mutant, RuleEdit};
use crate::date::DateRange;
use crate::matching::{Condition, Matching};
use crate::range::{RangeValue, ValueRange};
use crate::rule::Rule;
use crate::rule_tests::part::{Part, RulePart};
use crate::version::VersionRange;

pub(super) fn mutants(rule: &Rule, index: usize) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |part: Part, change: String, changed: Rule| {
        let part = RulePart { rule: index, part };
        let edit = RuleEdit::Conditions(Box::new(changed));
        mutants.push(Mutant { part, change, effect: Effect::MorePackages, edit });
    };
    if !rule.folders.is_empty() {
        let changed = Rule { folders: Vec::new(), ..rule.clone() };
        add(Part::Folders, "without `folders`: the rule is for all folders".to_owned(), changed);
    }
    for (at, clause) in rule.matching.clauses.iter().enumerate() {
        let part = || Part::Condition(clause.fact);
        let without = with_matching(rule, |matching| drop(matching.clauses.remove(at)));
        add(part(), format!("without `match.{} = {}`", clause.fact, clause.condition), without);
        for (bound, condition) in without_one_bound(&clause.condition) {
            let changed = with_matching(rule, |matching| matching.clauses[at].condition = condition);
            add(part(), format!("`match.{}` without the bound `{bound}`", clause.fact), changed);
        }
    }
    for (at, not) in rule.matching.not.iter().enumerate() {
        let without = with_matching(rule, |matching| drop(matching.not.remove(at)));
        add(Part::Exclusion(at), format!("without `not` ({not})"), without);
    }
    mutants
}

fn with_matching(rule: &Rule, change: impl FnOnce(&mut Matching)) -> Rule {
    let mut changed = rule.clone();
    change(&mut changed.matching);
    changed
}

/// Each bound of a range of versions or dates, and the condition without it. Ranges with one bound have none.
fn without_one_bound(condition: &Condition) -> Vec<(String, Condition)> {
    match condition {
        Condition::Versions(ranges) => {
            let shorter = |(bound, ranges): (String, Vec<VersionRange>)| (bound, Condition::Versions(ranges));
            without_bounds(ranges).into_iter().map(shorter).collect()
        }
        Condition::Dates(ranges) => {
            let shorter = |(bound, ranges): (String, Vec<DateRange>)| (bound, Condition::Dates(ranges));
            without_bounds(ranges).into_iter().map(shorter).collect()
        }
        Condition::Globs(_) | Condition::Flag(_) => Vec::new(),
    }
}

fn without_bounds<T: RangeValue>(ranges: &[ValueRange<T>]) -> Vec<(String, Vec<ValueRange<T>>)> {
    let mut all = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let bounds: Vec<_> = range.as_str().split(',').map(str::trim).collect();
        for dropped in (0..bounds.len()).filter(|_| bounds.len() > 1) {
            let remaining: Vec<_> =
                bounds.iter().enumerate().filter(|(n, _)| *n != dropped).map(|(_, bound)| *bound).collect();
            let Ok(wider) = ValueRange::new(&remaining.join(", ")) else { continue };
            let mut changed = ranges.to_vec();
            changed[at] = wider;
            all.push((bounds[dropped].to_owned(), changed));
        }
    }
    all
}
