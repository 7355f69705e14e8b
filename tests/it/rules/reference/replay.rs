//! Random single edits of random rules: the differences of a replay are those of planning both configurations by the reference.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use dropship_config::Config;
use dropship_hardware::DriverMetadata;
use dropship_package::Facts;
use dropship_rules::comparison::{
    self, Cause, PlanChange, PlanDifference, PlannedPackage, PlanningOutcome, ValueChange,
};
use dropship_rules::{MatchInput, Planning, plan_package};
use serde_json::{Value, json};

use super::model::{Case, Label, Rule, Target};
use super::random::{self, FOLDERS};
use super::{choice, load, targets};
use crate::harness::Random;

/// Number of rule sets, and of edits.
const CASES: usize = 300;

/// One difference, as the reference finds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    Rule(Option<String>, Option<String>),
    Value(&'static str, String, String),
    Added(Target),
    Removed(Target),
    /// The label can no longer be requested, or can be requested now.
    Requestable(bool),
}

#[test]
fn replay_of_unchanged_random_rules_finds_no_difference() {
    let mut random = Random::new();
    let mut compared = 0;
    while compared < CASES {
        let case = random::case(&mut random);
        let Ok(config) = load(&case) else { continue };
        for has_metadata in [true, false] {
            let found = found_differences(&config, &config, &case, has_metadata);
            assert_eq!(found, [], "{}\n{:#}", case.toml(), case.facts());
        }
        compared += 1;
    }
}

#[test]
fn replay_of_random_edits_finds_the_differences_of_the_reference() {
    let mut random = Random::new();
    let (mut compared, mut different, mut by_target) = (0, 0, 0);
    while compared < CASES {
        let case = random::case(&mut random);
        let mut edited =
            Case { rules: case.rules.clone(), package: case.package.clone(), rows: case.rows.clone() };
        let concerned = edit(&mut random, &mut edited);
        let (Ok(old), Ok(new)) = (load(&case), load(&edited)) else { continue };
        let found = found_differences(&old, &new, &case, true);
        let expected = expected_differences(&case, &edited);
        let shown =
            || format!("{}\n=>\n{}\n{:#}\n{:#}", case.toml(), edited.toml(), case.facts(), case.metadata());
        assert_eq!(comparable(&found), expected, "{}", shown());
        for difference in &found {
            let cause = &difference.cause;
            assert!(
                concerned.iter().any(|rule| rule == cause.rule()),
                "{cause}, edited {concerned:?}: {}",
                shown()
            );
            check_keys(cause, &difference.change);
        }
        compared += 1;
        different += usize::from(!found.is_empty());
        by_target += usize::from(found.iter().any(|one| matches!(one.change, PlanChange::Targets(_))));
    }
    assert!(different > CASES / 6, "{different} of {CASES} edits have an effect");
    assert!(by_target > CASES / 50, "{by_target} of {CASES} edits change targets");
}

/// A changed key names itself as its cause, unless another rule applies.
fn check_keys(cause: &Cause, change: &PlanChange) {
    if let (Cause::Keys { keys, .. }, PlanChange::Value(ValueChange { key, .. })) = (cause, change) {
        assert_eq!(keys, std::slice::from_ref(key));
    }
    if let (Cause::Keys { keys, .. }, PlanChange::Targets(_)) = (cause, change) {
        assert!(!keys.is_empty() && keys.iter().all(|key| key.starts_with("hardware_ids.")), "{keys:?}");
    }
}

/// Changes one thing. Returns the names of the rules that may be the cause of a difference.
fn edit(random: &mut Random, case: &mut Case) -> Vec<String> {
    let count = case.rules.len();
    let package = case.package.clone();
    // Most edits are of the rule that applies: others seldom have an effect.
    let chosen = choice::choose(&case.rules, &package).map(|rule| rule.name.clone());
    let chosen = case.rules.iter().position(|rule| Some(&rule.name) == chosen.as_ref());
    let any = usize::try_from(random.below(count as u64)).expect("an index");
    let at = chosen.filter(|_| random.chance(75)).unwrap_or(any);
    let name = case.rules[at].name.clone();
    match random.below(15) {
        0 => {
            case.rules.remove(at);
        }
        1 => {
            let mut new = random::rule(random, 9, &package);
            new.name = "new rule".to_owned();
            case.rules.insert(at, new);
            return vec!["new rule".to_owned()];
        }
        2 => {
            let other = usize::try_from(random.below(count as u64)).expect("an index");
            let names = vec![name, case.rules[other].name.clone()];
            case.rules.swap(at, other);
            // Moving a rule past others moves these, too.
            return if other == at {
                names
            } else {
                case.rules.iter().map(|rule| rule.name.clone()).collect()
            };
        }
        3 => case.rules[at].name = "renamed".to_owned(),
        other => edit_rule(random, &package, &mut case.rules[at], other),
    }
    vec![name]
}

fn edit_rule(random: &mut Random, package: &super::model::Package, rule: &mut Rule, what: u64) {
    let filter = random::filter(random);
    match what {
        4 => drop(rule.conditions.pop()),
        5 => rule.conditions = vec![random::condition(random, package, 50)],
        6 => rule.not = vec![vec![random::condition(random, package, 50)]],
        7 => rule.folders = random.some(&FOLDERS, 50),
        8 => rule.filter.include = filter.include,
        9 => rule.filter.exclude = filter.exclude,
        10 => match random.below(3) {
            0 => rule.filter.operating_systems = filter.operating_systems,
            1 => rule.filter.infs = filter.infs,
            _ => rule.filter.lowest_os_only = !rule.filter.lowest_os_only,
        },
        11 => rule.label.name = "{{ file.stem }} two".to_owned(),
        12 => rule.label.audiences.push("Fabrikam ring".to_owned()),
        13 => match random.below(2) {
            0 => rule.label.hold = !rule.label.hold,
            _ => rule.label.go_live = Some("+7d".to_owned()),
        },
        _ => rule.device_type = "external",
    }
}

/// The differences by the reference: both configurations are planned, and the plans compared.
fn expected_differences(old: &Case, new: &Case) -> BTreeSet<Expected> {
    let rules = (choice::choose(&old.rules, &old.package), choice::choose(&new.rules, &new.package));
    let mut expected = BTreeSet::new();
    let name = |rule: Option<&Rule>| rule.map(|rule| rule.name.clone());
    if name(rules.0) != name(rules.1) {
        expected.insert(Expected::Rule(name(rules.0), name(rules.1)));
    }
    let (Some(was), Some(is)) = rules else { return expected };
    let mut value = |key: &'static str, old: Value, new: Value| {
        if old != new {
            expected.insert(Expected::Value(key, old.to_string(), new.to_string()));
        }
    };
    value("product.device_type", json!(was.device_type), json!(is.device_type));
    let stem = old.package.file.rsplit_once('.').expect("an extension").0;
    let name_of = |label: &Label| json!(label.name.replace("{{ file.stem }}", stem));
    value("name", name_of(&was.label), name_of(&is.label));
    value("audiences", json!(was.label.audiences), json!(is.label.audiences));
    value("hold", json!(was.label.hold), json!(is.label.hold));
    value("go_live", json!(was.label.go_live), json!(is.label.go_live));
    let (before, after) = (targets::select(&was.filter, &old.rows), targets::select(&is.filter, &old.rows));
    expected.extend(after.difference(&before).cloned().map(Expected::Added));
    expected.extend(before.difference(&after).cloned().map(Expected::Removed));
    if before.is_empty() != after.is_empty() {
        expected.insert(Expected::Requestable(!after.is_empty()));
    }
    expected
}

fn comparable(found: &[PlanDifference]) -> BTreeSet<Expected> {
    let target = |target: &comparison::LabelTarget| Target {
        bundle: target.bundle.clone(),
        inf: target.inf.clone(),
        os: target.os.clone(),
        hardware_id: target.hardware_id.clone(),
    };
    let mut all = BTreeSet::new();
    for difference in found {
        match &difference.change {
            PlanChange::Rule { old, new, .. } => {
                all.insert(Expected::Rule(old.clone(), new.clone()));
            }
            PlanChange::Value(ValueChange { key, old, new }) => {
                let keys = ["product.device_type", "name", "audiences", "hold", "go_live"];
                let key =
                    keys.into_iter().find(|known| known == key).unwrap_or_else(|| panic!("{difference:?}"));
                all.insert(Expected::Value(key, old.to_string(), new.to_string()));
            }
            PlanChange::Targets(change) => {
                assert_eq!(
                    (change.added.len(), change.removed.len()),
                    (change.added_count, change.removed_count)
                );
                all.extend(change.added.iter().map(target).map(Expected::Added));
                all.extend(change.removed.iter().map(target).map(Expected::Removed));
            }
            PlanChange::Problems { new, .. } => {
                all.insert(Expected::Requestable(new.is_empty()));
            }
            PlanChange::LabelAdded | PlanChange::LabelRemoved => {
                panic!("each rule has one label: {difference:?}")
            }
        }
    }
    all
}

/// The differences that the product finds for a package that was planned by `old`.
fn found_differences(old: &Config, new: &Config, case: &Case, has_metadata: bool) -> Vec<PlanDifference> {
    let facts: Facts = serde_json::from_value(case.facts()).expect("facts");
    let sha256 = "0".repeat(64);
    let input =
        MatchInput::new(&case.package.file, &sha256, &facts).in_folder(Some(case.package.folder.as_str()));
    let at = "2026-11-28T12:00:00Z".parse().expect("a time");
    let planned = plan_package(&old.rules, &input, Planning::at(at));
    let outcome = match planned.plan {
        Ok(plan) => PlanningOutcome::Planned(Box::new(plan)),
        Err(why) => PlanningOutcome::Rejected { rule: None, reason: why.to_string() },
    };
    let metadata = LazyCell::new(|| {
        has_metadata
            .then(|| DriverMetadata::parse(case.metadata().to_string().as_bytes()).expect("driver metadata"))
    });
    let remembered =
        PlannedPackage { input, planning: &planned.planning, outcome: &outcome, metadata: &metadata };
    comparison::replay(&new.rules, &remembered, &|_| None).1
}
