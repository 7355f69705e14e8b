//! Which neighbouring rules have no package in common, so that their order does not matter.

use crate::matching::{Clause, Condition, Fact};
use crate::rule::Rule;
use dropship_glob::Glob;

/// Whether surely no package matches both rules.
pub(super) fn are_disjoint(one: &Rule, other: &Rule) -> bool {
    let folders = !one.folders.is_empty()
        && !other.folders.is_empty()
        && !one.folders.iter().any(|folder| other.folders.contains(folder));
    let (one, other) = (&one.matching, &other.matching);
    folders
        || one.clauses.iter().any(|clause| {
            let same = other.clauses.iter().filter(|other| other.fact == clause.fact);
            same.into_iter().any(|other| exclude_each_other(clause, other))
        })
}

fn exclude_each_other(one: &Clause, other: &Clause) -> bool {
    // A fact with one value for the package, or a condition on each INF: the same value has to fit both.
    let is_single = matches!(one.fact, Fact::File | Fact::Kind) || one.fact.of_every_inf();
    is_single
        && match (&one.condition, &other.condition) {
            (Condition::Globs(one), Condition::Globs(other)) => {
                !one.iter().any(|one| other.iter().any(|other: &Glob| one.meets(other)))
            }
            (Condition::Flag(one), Condition::Flag(other)) => one != other,
            _ => false,
        }
}
