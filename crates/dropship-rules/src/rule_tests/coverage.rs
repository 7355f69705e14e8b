//! Which parts of rules the cases exercise.

use super::chain::ChainTrace;
use super::model::RuleTest;
use super::part::{LabelKey, Part, RulePart};
use super::run::basis;
use crate::label::{MetadataRow, rows};
use crate::matching::{Condition, MatchVerdicts};
use crate::plan::{LabelPlan, Plan};
use crate::rule::{LabelRule, Rule, TargetFilter};
use dropship_glob::Glob;
use dropship_hardware::DriverMetadata;

/// A case that was run.
#[derive(Debug)]
pub struct Observation<'a> {
    /// The case.
    pub test: &'a RuleTest,
    /// Index of the rule that its package got.
    pub rule: Option<usize>,
    /// The plan of its package.
    pub plan: Option<&'a Plan>,
    /// What it saw of the labels over time.
    pub trace: &'a ChainTrace,
}

/// A part of a rule, and whether the cases exercise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverageItem {
    /// The part.
    pub part: RulePart,
    /// Its name below the rule.
    pub name: String,
    /// What no case shows; absent if the part is covered.
    pub missing: Option<&'static str>,
}

/// The parts of all rules, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The parts.
    pub items: Vec<CoverageItem>,
}

impl Coverage {
    /// Number of parts that the cases exercise.
    #[must_use]
    pub fn covered(&self) -> usize {
        self.items.iter().filter(|item| item.missing.is_none()).count()
    }

    /// Share of the parts that the cases exercise, in percent. Without parts it is 100.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a configuration has far fewer than 2^52 parts")]
    pub fn percent(&self) -> f64 {
        match self.items.len() {
            0 => 100.0,
            all => self.covered() as f64 * 100.0 / all as f64,
        }
    }
}

/// Whether a condition was seen to hold, and not to hold.
#[derive(Debug, Clone, Copy, Default)]
struct ConditionCoverage {
    holds: bool,
    fails: bool,
}

impl ConditionCoverage {
    fn add(&mut self, holds: bool) {
        self.holds |= holds;
        self.fails |= !holds;
    }
}

/// What the cases saw of one rule.
struct RuleSeen {
    is_chosen: bool,
    conditions: Vec<ConditionCoverage>,
    exclusions: Vec<ConditionCoverage>,
    labels: Vec<LabelSeen>,
}

/// What the cases saw of one label.
#[derive(Default)]
struct LabelSeen {
    is_expected: bool,
    has_waited: bool,
    is_requested: bool,
    /// For each entry of `include`, then of `exclude`, and so on, as [`filters`] lists them.
    globs: Vec<Vec<ConditionCoverage>>,
}

/// The filters of targets by glob.
fn filters<T>(filter: &TargetFilter<T>) -> [(LabelKey, &Vec<T>); 6] {
    [
        (LabelKey::Include, &filter.include),
        (LabelKey::Exclude, &filter.exclude),
        (LabelKey::OperatingSystems, &filter.operating_systems),
        (LabelKey::Infs, &filter.infs),
        (LabelKey::Bundles, &filter.bundles),
        (LabelKey::Descriptions, &filter.descriptions),
    ]
}

/// The column of the driver metadata that a filter compares.
fn column<'a>(key: LabelKey, row: &MetadataRow<'a>) -> &'a str {
    match key {
        LabelKey::OperatingSystems => row.os,
        LabelKey::Infs => row.inf,
        LabelKey::Bundles => row.bundle,
        LabelKey::Descriptions => row.description,
        _ => row.pnp,
    }
}

/// Computes which parts of the rules the cases exercise.
///
/// A rule is covered when a case selects it; a key of `match` when it holds for the package of one case and is the reason that
/// the rule does not apply to the package of another; a `not` likewise; a label when a case expects something of it; a glob on
/// targets when it matches one target and not another; `after` when a chain expects the label to wait, and then to be requested.
#[must_use]
pub fn coverage(rules: &[Rule], observations: &[Observation<'_>]) -> Coverage {
    let mut seen: Vec<_> = rules.iter().map(RuleSeen::new).collect();
    for observation in observations {
        observe(rules, observation, &mut seen);
    }
    let items = rules.iter().zip(&seen).enumerate().flat_map(|(index, (rule, seen))| {
        let parts = seen.parts(rule).into_iter();
        parts.map(move |(part, missing)| {
            let name = part.name(rule);
            CoverageItem { part: RulePart { rule: index, part }, name, missing }
        })
    });
    Coverage { items: items.collect() }
}

fn observe(rules: &[Rule], observation: &Observation<'_>, seen: &mut [RuleSeen]) {
    let input = observation.test.input();
    // The rules after the chosen one were not evaluated.
    let evaluated = observation.rule.map_or(rules.len(), |chosen| chosen + 1);
    for (rule, seen) in rules.iter().zip(&mut *seen).take(evaluated) {
        if rule.matches_folder(input.folder) {
            seen.add_verdicts(&rule.matching.verdicts(&input));
        }
    }
    let Some((rule, seen)) =
        observation.rule.and_then(|index| Some((rules.get(index)?, seen.get_mut(index)?)))
    else {
        return;
    };
    seen.is_chosen = true;
    let Some(plan) = observation.plan else { return };
    for (index, label) in plan.labels.iter().enumerate() {
        let position = rule.labels.iter().position(|written| written.name.source() == label.key);
        if let Some(label_seen) = position.and_then(|position| seen.labels.get_mut(position)) {
            label_seen.add(observation, plan, index, label);
        }
    }
}

impl RuleSeen {
    fn new(rule: &Rule) -> Self {
        let of_label = |label: &LabelRule| LabelSeen {
            globs: filters(&label.targets)
                .map(|(_, globs)| vec![ConditionCoverage::default(); globs.len()])
                .into(),
            ..LabelSeen::default()
        };
        Self {
            is_chosen: false,
            conditions: vec![ConditionCoverage::default(); rule.matching.clauses.len()],
            exclusions: vec![ConditionCoverage::default(); rule.matching.not.len()],
            labels: rule.labels.iter().map(of_label).collect(),
        }
    }

    fn add_verdicts(&mut self, verdicts: &MatchVerdicts) {
        let all = self.conditions.iter_mut().zip(&verdicts.conditions);
        all.for_each(|(seen, holds)| seen.add(*holds));
        if verdicts.conditions.iter().all(|holds| *holds) {
            let all = self.exclusions.iter_mut().zip(&verdicts.exclusions);
            all.for_each(|(seen, holds)| seen.add(*holds));
        }
    }

    /// Each part of the rule, and what no case shows of it.
    fn parts(&self, rule: &Rule) -> Vec<(Part, Option<&'static str>)> {
        let missing_unless = |covered: bool, missing: &'static str| (!covered).then_some(missing);
        let mut parts = vec![(Part::Whole, missing_unless(self.is_chosen, "no case selects the rule"))];
        for (clause, seen) in rule.matching.clauses.iter().zip(&self.conditions) {
            let matches_all =
                matches!(&clause.condition, Condition::Globs(globs) if globs.iter().any(Glob::is_anything));
            let missing = match seen {
                ConditionCoverage { holds: false, .. } => Some("no case has a package that fits it"),
                ConditionCoverage { fails: false, .. } if !matches_all => {
                    Some("no case has a package that does not fit it")
                }
                _ => None,
            };
            parts.push((Part::Condition(clause.fact), missing));
        }
        for (index, seen) in self.exclusions.iter().enumerate() {
            let missing = match seen {
                ConditionCoverage { holds: false, .. } => Some("no case has a package that it excludes"),
                ConditionCoverage { fails: false, .. } => {
                    Some("no case has a package that it does not exclude")
                }
                _ => None,
            };
            parts.push((Part::Exclusion(index), missing));
        }
        for (index, (label, seen)) in rule.labels.iter().zip(&self.labels).enumerate() {
            parts.push((
                Part::Label(index),
                missing_unless(seen.is_expected, "no case expects anything of it"),
            ));
            if label.after.is_some() {
                let missing = match (seen.has_waited, seen.is_requested) {
                    (false, _) => Some("no step expects the label to wait"),
                    (true, false) => Some("no step expects the label to be requested"),
                    (true, true) => None,
                };
                parts.push((Part::of_label(index, LabelKey::After), missing));
            }
            for ((key, written), seen) in filters(&label.targets).into_iter().zip(&seen.globs) {
                for (entry, (glob, seen)) in written.iter().zip(seen).enumerate() {
                    let matches_all = glob.literal().is_some_and(|text| text == "*");
                    let missing = match seen {
                        ConditionCoverage { holds: false, .. } => Some("it matches no target of any case"),
                        ConditionCoverage { fails: false, .. } if !matches_all => {
                            Some("it matches all targets of the cases")
                        }
                        _ => None,
                    };
                    parts.push((Part::entry(index, key, entry), missing));
                }
            }
        }
        parts
    }
}

impl LabelSeen {
    fn add(&mut self, observation: &Observation<'_>, plan: &Plan, index: usize, label: &LabelPlan) {
        self.is_expected |= expects(observation.test, &label.name);
        self.has_waited |= observation.trace.waiting.contains(&index);
        self.is_requested |= observation.trace.requested.contains(&index);
        if !observation.test.knows_targets() {
            return;
        }
        let (label, metadata) = basis(observation.test, plan, label);
        for ((key, globs), seen) in filters(&label.targets).into_iter().zip(&mut self.globs) {
            add_rows(key, globs, &metadata, seen);
        }
    }
}

fn add_rows(key: LabelKey, globs: &[Glob], metadata: &DriverMetadata, seen: &mut [ConditionCoverage]) {
    if globs.is_empty() {
        return;
    }
    for row in rows(metadata) {
        for (glob, seen) in globs.iter().zip(&mut *seen) {
            seen.add(glob.is_match(column(key, &row)));
        }
    }
}

/// Whether a case expects something of the label with this name.
fn expects(test: &RuleTest, name: &str) -> bool {
    let is_matched = |glob: &Option<Glob>| glob.as_ref().is_none_or(|glob| glob.is_match(name));
    test.expect.labels.is_some()
        || test.expect.label.iter().any(|(glob, _)| is_matched(glob))
        || test.steps.iter().any(|step| step.expect.is_some())
}
