//! The changes of the rules that no case notices, as text and as JSON.

use jiff::Timestamp;
use serde::Serialize;

use dropship_config::{Config, RulePlace, RulePlaces};
use dropship_engine::rule_cases;
use dropship_job::counted;
use dropship_rules::rule_tests::mutation::{Effect, Survivor, mutate};

/// The result of a mutation run.
#[derive(Serialize)]
pub(super) struct MutationView<'a> {
    /// Number of mutants.
    mutants: usize,
    /// Number of mutants that a case notices.
    noticed: usize,
    /// The others, worst first.
    survivors: Vec<SurvivorView<'a>>,
}

/// A mutant that no case notices.
#[derive(Serialize)]
struct SurvivorView<'a> {
    rule: &'a str,
    part: String,
    change: String,
    effect: Effect,
    /// Whether a driver reaches machines that it would not have reached, or reaches them earlier.
    widens: bool,
    #[serde(flatten)]
    place: Option<RulePlace>,
    /// The label that is changed, as the rule writes its name.
    label: Option<&'a str>,
}

impl<'a> MutationView<'a> {
    pub(super) fn new(config: &'a Config, places: &RulePlaces, now: Timestamp) -> Self {
        let report = mutate(&config.rules, &config.tests, |test, rules| {
            rule_cases::run(test, rules, &config.guard, now).evaluated.differences.is_empty()
        });
        let view = |survivor: Survivor| {
            let changed = config.rules.get(survivor.part.rule);
            let label = changed.zip(survivor.part.part.label());
            let label = label.and_then(|(rule, label)| rule.labels.get(label));
            let rule = changed.map_or("", |rule| rule.name.as_str());
            SurvivorView {
                rule,
                label: label.map(|label| label.name.source()),
                place: places.of(rule, &survivor.part.part.path()),
                part: survivor.name,
                change: survivor.change,
                effect: survivor.effect,
                widens: survivor.effect.widens(),
            }
        };
        Self {
            mutants: report.mutants,
            noticed: report.mutants - report.survivors.len(),
            survivors: report.survivors.into_iter().map(view).collect(),
        }
    }

    /// Whether no case notices a change that widens the reach.
    pub(super) fn widens(&self) -> bool {
        self.survivors.iter().any(|survivor| survivor.widens)
    }

    /// The summary, and the survivors by their effect.
    pub(super) fn text(&self) -> String {
        let Self { mutants, noticed, survivors } = self;
        let changes = counted(*mutants, "change");
        let mut lines = vec![match survivors.len() {
            0 => format!("mutation: {changes} of the rules, all noticed"),
            missed => {
                format!(
                    "mutation: {changes} of the rules, {noticed} noticed, {missed} NOT noticed by any case"
                )
            }
        }];
        for group in survivors.chunk_by(|one, next| one.effect == next.effect) {
            lines.extend(group.first().map(|first| format!("  {}:", heading(first.effect))));
            lines.extend(group.iter().map(SurvivorView::text));
        }
        lines.join("\n")
    }
}

impl SurvivorView<'_> {
    fn text(&self) -> String {
        let place = self.place.as_ref().map(RulePlace::to_string).unwrap_or_default();
        let label = self.label.map(|label| format!(", label `{label}`")).unwrap_or_default();
        format!("    {place}: rule `{}`{label}: {}", self.rule, self.change)
    }
}

fn heading(effect: Effect) -> &'static str {
    match effect {
        Effect::MoreMachines => "a label would reach more machines",
        Effect::MorePackages => "a rule would apply to more packages, or to packages of another rule",
        Effect::Sooner => "a label would be published earlier, or without an operator",
        Effect::Other => "the reach would not be wider",
    }
}
