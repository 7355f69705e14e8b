//! Random rules, packages and driver metadata: the product agrees with a small reference implementation.
//!
//! The reference is written from `docs/rules.md` and uses no code of the product. It is slow and simple on purpose.

mod choice;
mod glob;
mod model;
mod random;
mod replay;
mod targets;

use std::collections::BTreeSet;
use std::path::Path;

use dropship_config::{Config, Environment};
use dropship_hardware::{Audience, DriverMetadata};
use dropship_package::Facts;
use dropship_rules::{MatchInput, choose, label, plan};
use jiff::Timestamp;
use serde_json::json;

use crate::harness::Random;
use model::{Case, Target};

/// Number of cases, unless `DROPSHIP_RULE_CASES` sets it.
const CASES: usize = 1_000;

/// The result for a package.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// No rule matches.
    Rejected,
    /// The name of the rule, and the targets of its label; no target is an error, never all.
    Label(String, BTreeSet<Target>),
}

#[test]
fn random_rules_choose_and_target_as_the_reference_does() {
    let case_count =
        std::env::var("DROPSHIP_RULE_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    let mut random = Random::new();
    let (mut compared, mut refused, mut matched, mut targeted) = (0, 0, 0, 0);
    while compared < case_count {
        let case = random::case(&mut random);
        // `check` refuses globs that can never match in `not` and `exclude`; such a configuration has no outcome.
        let config = match load(&case) {
            Ok(config) => config,
            Err(report) => {
                refused += 1;
                assert!(refused < 100 + compared, "most configurations are refused: {report}");
                continue;
            }
        };
        let (expected, actual) = (reference(&case), product(&config, &case));
        assert_eq!(actual, expected, "\n{}\n{:#}\n{:#}", case.toml(), case.facts(), case.metadata());
        compared += 1;
        if let Outcome::Label(_, targets) = &actual {
            matched += 1;
            targeted += usize::from(!targets.is_empty() && targets.len() < case.rows.len());
        }
    }
    // The cases mean something: rules match about half of the packages, and labels select a part of the targets.
    assert!(
        matched > case_count / 5 && case_count - matched > case_count / 20,
        "{matched} of {case_count} matched"
    );
    assert!(targeted > case_count / 20, "{targeted} of {case_count} labels target a part of the metadata");
}

fn load(case: &Case) -> Result<Config, dropship_config::Report> {
    dropship_config::load_str(Path::new("/nowhere/dropship.toml"), &case.toml(), &Environment::default())
}

fn reference(case: &Case) -> Outcome {
    match choice::choose(&case.rules, &case.package) {
        None => Outcome::Rejected,
        Some(rule) => Outcome::Label(rule.name.clone(), targets::select(&rule.filter, &case.rows)),
    }
}

fn product(config: &Config, case: &Case) -> Outcome {
    let facts: Facts = serde_json::from_value(case.facts()).expect("facts");
    let metadata = case.metadata().to_string();
    let metadata = DriverMetadata::parse(metadata.as_bytes()).expect("driver metadata");
    let sha256 = "0".repeat(64);
    let input =
        MatchInput::new(&case.package.file, &sha256, &facts).in_folder(Some(case.package.folder.as_str()));
    let choice = choose(&config.rules, &input);
    let Some(rule) = choice.rule else {
        assert_eq!(choice.skipped.len(), config.rules.len());
        assert!(choice.skipped.iter().all(|skipped| !skipped.reasons.is_empty()), "{}", choice.rejection());
        return Outcome::Rejected;
    };
    let now: Timestamp = "2026-11-28T12:00:00Z".parse().expect("a time");
    let plan = plan(rule, &input, now).expect("a plan");
    let audience = json!({ "id": "1", "audienceName": "Test Registry Key", "name": "Test Registry Key" });
    let audience: Audience = serde_json::from_value(audience).expect("an audience");
    let targets = match label::build(&plan.labels[0], &metadata, &[audience], now) {
        Ok(request) => {
            let ids = request.targeting.expect("a label has targeting").hardware_ids;
            assert!(!ids.is_empty(), "a label without targets must not be requested");
            ids.iter()
                .map(|id| Target {
                    bundle: id.bundle_id.clone(),
                    inf: id.inf_id.clone(),
                    os: id.operating_system_code.clone(),
                    hardware_id: id.pnp_string.clone(),
                })
                .collect()
        }
        Err(problems) => {
            assert!(problems.iter().all(|problem| problem.check == "empty-selection"), "{problems:?}");
            BTreeSet::new()
        }
    };
    Outcome::Label(rule.name.clone(), targets)
}
