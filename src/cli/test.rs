//! `dropship test`: the `[[test]]` cases of the configuration, tried without a network.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::Output;
use dropship_rules::pattern::Pattern;
use dropship_rules::rule_tests::{self, Outcome};

/// Arguments of `test`.
///
/// Each `[[test]]` describes a package by its facts and says which rule it must get and what the requests must
/// hold. Nothing is sent, and neither accounts, signers nor folders need to exist on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml test
  dropship test 'audio *' --at 2026-12-23T09:00:00Z
Exit codes: 0 all cases passed, 1 a case failed, 78 the configuration is wrong")]
pub(super) struct Args {
    /// Try only the cases whose name fits one of these globs
    #[arg(value_name = "CASE", value_parser = glob)]
    cases: Vec<Pattern>,
    /// Try them as if it were this time, for go-live offsets and blackout days
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Name the cases that passed too
    #[arg(long, short)]
    verbose: bool,
}

fn glob(text: &str) -> Result<Pattern, String> {
    Pattern::new(text)
}

pub(super) fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let mut config = super::place::load(path)?;
    if !args.cases.is_empty() {
        config.tests.retain(|case| args.cases.iter().any(|glob| glob.is_match(&case.name)));
        if config.tests.is_empty() {
            return Err(Ending(Exit::Usage, "no case has such a name".to_owned()).into());
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

/// Rules that no case ends in; nothing when only some of the cases were tried.
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
        (0, _) => "there are no cases; a `[[test]]` is one".to_owned(),
        (all, 0) => format!("{all} passed"),
        (all, failed) => format!("{} passed, {failed} FAILED", all - failed),
    });
    lines.join("\n")
}
