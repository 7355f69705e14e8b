//! The coverage of the rules, as text and as JSON.

use serde::Serialize;

use dropship_config::{Config, RulePlace, RulePlaces};
use dropship_engine::rule_cases::CaseRun;
use dropship_job::counted;
use dropship_rules::rule_tests::{Observation, coverage};

/// What the cases cover.
#[derive(Serialize)]
pub(super) struct CoverageView<'a> {
    /// Share of the parts that the cases exercise, in percent, rounded down to one digit after the point.
    percent: f64,
    covered: usize,
    total: usize,
    /// The share that is required.
    min: Option<u8>,
    /// The parts of the rules, in file order.
    parts: Vec<PartView<'a>>,
}

/// A part of a rule.
#[derive(Serialize)]
struct PartView<'a> {
    rule: &'a str,
    part: String,
    #[serde(flatten)]
    place: Option<RulePlace>,
    covered: bool,
    /// What no case shows.
    missing: Option<&'static str>,
}

impl<'a> CoverageView<'a> {
    pub(super) fn new(
        config: &'a Config,
        runs: &[CaseRun<'_>],
        places: &RulePlaces,
        min: Option<u8>,
    ) -> Self {
        let observed = config.tests.iter().zip(runs).map(|(test, run)| {
            let name = run.evaluated.rule.map(|rule| rule.name.as_str());
            Observation {
                test,
                rule: name.and_then(|name| config.rules.iter().position(|rule| rule.name == name)),
                plan: run.evaluated.plan.as_ref(),
                trace: &run.trace,
            }
        });
        let coverage = coverage(&config.rules, &observed.collect::<Vec<_>>());
        let (covered, total, percent) = (coverage.covered(), coverage.items.len(), coverage.percent());
        let parts = coverage.items.into_iter().map(|item| {
            let rule = config.rules.get(item.part.rule).map_or("", |rule| rule.name.as_str());
            PartView {
                rule,
                place: places.of(rule, &item.part.part.path()),
                part: item.name,
                covered: item.missing.is_none(),
                missing: item.missing,
            }
        });
        Self { percent: (percent * 10.0).floor() / 10.0, covered, total, min, parts: parts.collect() }
    }

    /// Whether the cases cover as much as required.
    pub(super) fn is_enough(&self) -> bool {
        self.min.is_none_or(|min| self.covered * 100 >= usize::from(min) * self.total)
    }

    /// The summary, and the parts that no case exercises, by rule; all parts if `verbose`.
    pub(super) fn text(&self, verbose: bool) -> String {
        let verdict = match self.min {
            Some(min) if !self.is_enough() => format!(", below the minimum of {min} %"),
            _ => String::new(),
        };
        let Self { percent, covered, total, .. } = self;
        let mut lines = vec![format!(
            "coverage: {covered} of {} of the rules, {percent} %{verdict}",
            counted(*total, "part")
        )];
        for parts in self.parts.chunk_by(|one, next| one.rule == next.rule) {
            let Some(first) = parts.first() else { continue };
            let covered = parts.iter().filter(|part| part.covered).count();
            lines.push(format!("  {covered} of {} in rule `{}`", parts.len(), first.rule));
            lines.extend(parts.iter().filter(|part| verbose || !part.covered).map(PartView::text));
        }
        lines.join("\n")
    }
}

impl PartView<'_> {
    fn text(&self) -> String {
        let place = self.place.as_ref().map(RulePlace::to_string).unwrap_or_default();
        format!("    {place}: {}: {}", self.part, self.missing.unwrap_or("covered"))
    }
}
