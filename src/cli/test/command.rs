//! The command: runs the cases, and reports what they cover and which faults they notice.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::coverage::CoverageView;
use super::mutation::MutationView;
use crate::cli::exit::{Exit, ExitError};
use crate::cli::output::Output;
use dropship_config::{Config, RulePlaces};
use dropship_engine::rule_cases;
use dropship_glob::Glob;
use dropship_rules::rule_tests::CaseResult;

/// Run the [[test]] cases of the configuration (offline)
///
/// Each [[test]] describes a package, the rule that must match it and the requests that must result. Its steps walk the labels
/// through time. Accounts, signers and folders do not have to exist on this machine.
///
/// --coverage reports which parts of the rules the cases exercise. --mutate changes the rules, one part at a time, and reports
/// the changes that no case notices.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml test
  dropship test 'audio *' --at 2026-12-23T09:00:00Z
  dropship test --coverage --min 90
  dropship test --mutate

Exit codes:
  0   all cases passed
  1   a case failed, less than --min is covered, or no case notices a change that widens the reach
  64  no case matches the names
  78  invalid configuration")]
pub(crate) struct Args {
    /// Run only the cases whose name matches one of these globs
    #[arg(value_name = "CASE", value_parser = Glob::new)]
    cases: Vec<Glob>,
    /// Time to assume for go-live offsets and blackout days (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Report which rules, labels, keys of `match`, `not`, globs on targets and `after` the cases exercise
    #[arg(long)]
    coverage: bool,
    /// Fail if the cases cover less than this share of the parts, in percent
    #[arg(long, value_name = "PERCENT", requires = "coverage", value_parser = clap::value_parser!(u8).range(0..=100))]
    min: Option<u8>,
    /// Change one part of the rules at a time, run the cases, and report the changes that no case notices, worst first
    #[arg(long)]
    mutate: bool,
    /// Also print the cases that passed, and all parts with --coverage
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let mut config = crate::cli::backend::load(path)?;
    if !args.cases.is_empty() {
        config.tests.retain(|case| args.cases.iter().any(|glob| glob.is_match(&case.name)));
        if config.tests.is_empty() {
            return Err(ExitError(Exit::Usage, "no case matches these names".to_owned()).into());
        }
    }
    let now = args.at.unwrap_or_else(Timestamp::now);
    let runs: Vec<_> =
        config.tests.iter().map(|test| rule_cases::run(test, &config.rules, &config.guard, now)).collect();
    let outcomes: Vec<_> = config.tests.iter().zip(&runs).map(|(test, run)| run.outcome(test)).collect();
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let needs_places = args.coverage || args.mutate;
    let places = if needs_places { RulePlaces::read(path) } else { RulePlaces::default() };
    let coverage = args.coverage.then(|| CoverageView::new(&config, &runs, &places, args.min));
    // Mutants say nothing about cases that fail anyway.
    let mutation = (args.mutate && failed == 0).then(|| MutationView::new(&config, &places, now));
    let ok = failed == 0
        && coverage.as_ref().is_none_or(CoverageView::is_enough)
        && mutation.as_ref().is_none_or(|mutation| !mutation.widens());
    let mut document = json!({
        "ok": ok,
        "passed": outcomes.len() - failed,
        "failed": failed,
        "cases": outcomes,
        "without_test": untested(&config, &outcomes, args),
    });
    if args.coverage {
        document["coverage"] = json!(coverage);
    }
    if args.mutate {
        document["mutation"] = json!(mutation);
    }
    output.print_result(&document, || text(args, &outcomes, coverage.as_ref(), mutation.as_ref()))?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

/// Rules that no case matches; empty when only some cases were run.
fn untested<'a>(config: &'a Config, outcomes: &[CaseResult], args: &Args) -> Vec<&'a str> {
    if !args.cases.is_empty() {
        return Vec::new();
    }
    let tested: std::collections::BTreeSet<_> =
        outcomes.iter().filter_map(|outcome| outcome.rule.as_deref()).collect();
    let names = config.rules.iter().map(|rule| rule.name.as_str());
    names.filter(|name| !tested.contains(name)).collect()
}

fn text(
    args: &Args,
    outcomes: &[CaseResult],
    coverage: Option<&CoverageView<'_>>,
    mutation: Option<&MutationView<'_>>,
) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let shown = outcomes.iter().filter(|outcome| args.verbose || !outcome.passed);
    let mut lines: Vec<String> = shown.map(ToString::to_string).collect();
    lines.push(match (outcomes.len(), failed) {
        (0, _) => "no cases; add a `[[test]]` to the configuration".to_owned(),
        (all, 0) => format!("{all} passed"),
        (all, failed) => format!("{} passed, {failed} FAILED", all - failed),
    });
    lines.extend(coverage.map(|coverage| coverage.text(args.verbose)));
    lines.extend(mutation.map(MutationView::text));
    if args.mutate && mutation.is_none() {
        lines.push("no changes were tried, because a case fails".to_owned());
    }
    lines.join("\n")
}
