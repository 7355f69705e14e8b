//! Which rule applies to a package.

use crate::input::MatchInput;
use crate::rule::{Rule, SkippedRule};

/// The rule that applies to a package, and why the rules before it do not.
#[derive(Debug, Clone)]
pub struct RuleChoice<'a> {
    /// The first rule that matches; `None` if no rule does.
    pub rule: Option<&'a Rule>,
    /// The rules before it, or all rules, in file order.
    pub skipped: Vec<SkippedRule>,
}

impl RuleChoice<'_> {
    /// The `count` skipped rules that came closest: fewest unmet conditions first, then most met conditions.
    #[must_use]
    pub fn closest(&self, count: usize) -> Vec<&SkippedRule> {
        let mut skipped: Vec<_> = self.skipped.iter().collect();
        skipped.sort_by_key(|skipped| (skipped.reasons.len(), std::cmp::Reverse(skipped.held)));
        skipped.truncate(count);
        skipped
    }

    /// Every rule that does not apply, also those after the chosen one. A later rule that matches too is listed
    /// with the name of the rule that takes precedence.
    #[must_use]
    pub fn with_later(mut self, rules: &[Rule], input: &MatchInput<'_>) -> Vec<SkippedRule> {
        let Some(chosen) = self.rule else { return self.skipped };
        let later = rules.iter().skip_while(|rule| rule.name != chosen.name).skip(1);
        for rule in later {
            let mut skipped = rule.explain(input);
            if skipped.reasons.is_empty() {
                skipped.reasons.push(format!("it matches too, but `{}` comes before it", chosen.name));
            }
            self.skipped.push(skipped);
        }
        self.skipped
    }

    /// Why no rule applies, with the three rules that came closest: the reason of a rejected package.
    #[must_use]
    pub fn rejection(&self) -> String {
        if self.skipped.is_empty() {
            return "No rule is for this package: the configuration has none".to_owned();
        }
        let closest = self.closest(3);
        let lines =
            closest.iter().map(|skipped| format!("rule `{}`: {}", skipped.rule, skipped.reasons.join("; ")));
        format!(
            "No rule is for this package; closest {}: {}",
            if closest.len() == 1 { "is" } else { "are" },
            lines.collect::<Vec<_>>().join(" | ")
        )
    }
}

/// The first rule that matches, without reasons for the others.
#[must_use]
pub fn find<'a>(rules: &'a [Rule], input: &MatchInput<'_>) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.matches(input))
}

/// The first rule that matches, and why the rules before it do not.
#[must_use]
pub fn choose<'a>(rules: &'a [Rule], input: &MatchInput<'_>) -> RuleChoice<'a> {
    let mut skipped = Vec::new();
    for rule in rules {
        if rule.matches(input) {
            return RuleChoice { rule: Some(rule), skipped };
        }
        skipped.push(rule.explain(input));
    }
    RuleChoice { rule: None, skipped }
}
