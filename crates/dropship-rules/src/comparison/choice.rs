//! Why another rule applies to a package.

use super::cause::Cause;
use crate::input::MatchInput;
use crate::planning::Planning;
use crate::rule::Rule;

/// Why the first of two rules was chosen before, and the second one would be chosen now.
pub(super) fn cause(
    rules: &[Rule],
    input: &MatchInput<'_>,
    planning: &Planning,
    old: Option<&str>,
    new: Option<&str>,
) -> Option<Cause> {
    if let Some(name) = old {
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
            return Some(Cause::RuleGone { rule: name.to_owned() });
        };
        let keys = rule.explain(input).keys;
        if !keys.is_empty() {
            return Some(Cause::NoLongerMatches { rule: name.to_owned(), keys });
        }
    }
    let rule = new?.to_owned();
    let skipped = planning.skipped.iter().find(|skipped| skipped.rule == rule);
    Some(match skipped {
        Some(skipped) => Cause::MatchesNow { keys: skipped.keys.clone(), rule },
        None if planning.is_truncated() => Cause::MatchesNow { keys: Vec::new(), rule },
        None => Cause::NewOrMoved { rule },
    })
}
