//! `dropship test`: runs the `[[test]]` cases of the configuration, offline.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::exit::{Exit, ExitError};
use super::output::Output;
use dropship_glob::Glob;
use dropship_rules::rule_tests::{self, Outcome};

/// Run the [[test]] cases of the configuration (offline)
///
/// Each [[test]] describes a package, the rule that must match it and the requests that must result. Accounts, signers
/// and folders do not have to exist on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml test
  dropship test 'audio *' --at 2026-12-23T09:00:00Z

Exit codes:
  0   all cases passed
  1   a case failed
  64  no case matches the names
  78  invalid configuration")]
pub(super) struct Args {
    /// Run only the cases whose name matches one of these globs
    #[arg(value_name = "CASE", value_parser = Glob::new)]
    cases: Vec<Glob>,
    /// Time to assume for go-live offsets and blackout days (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Also print the cases that passed
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let mut config = super::backend::load(path)?;
    if !args.cases.is_empty() {
        config.tests.retain(|case| args.cases.iter().any(|glob| glob.is_match(&case.name)));
        if config.tests.is_empty() {
            return Err(ExitError(Exit::Usage, "no case matches these names".to_owned()).into());
        }
    }
    let outcomes = rule_tests::run(&config.tests, &config.rules, args.at.unwrap_or_else(Timestamp::now));
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let document = json!({
        "ok": failed == 0,
        "passed": outcomes.len() - failed,
        "failed": failed,
        "cases": outcomes,
        "without_test": untested(&config, &outcomes, args),
    });
    output.give(&document, || text(&outcomes, failed, args.verbose))?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Rules that no case matches; empty when only some cases were run.
fn untested<'a>(config: &'a crate::config::Config, outcomes: &[Outcome], args: &Args) -> Vec<&'a str> {
    if !args.cases.is_empty() {
        return Vec::new();
    }
    let tested: std::collections::BTreeSet<_> =
        outcomes.iter().filter_map(|outcome| outcome.rule.as_deref()).collect();
    let names = config.rules.iter().map(|rule| rule.name.as_str());
    names.filter(|name| !tested.contains(name)).collect()
}

fn text(outcomes: &[Outcome], failed: usize, verbose: bool) -> String {
    let shown = outcomes.iter().filter(|outcome| verbose || !outcome.passed);
    let mut lines: Vec<String> = shown.map(ToString::to_string).collect();
    lines.push(match (outcomes.len(), failed) {
        (0, _) => "no cases; add a `[[test]]` to the configuration".to_owned(),
        (all, 0) => format!("{all} passed"),
        (all, failed) => format!("{} passed, {failed} FAILED", all - failed),
    });
    lines.join("\n")
}
