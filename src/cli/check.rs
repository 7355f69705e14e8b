//! `dropship check`: reports all errors of the configuration.

mod online;

use std::path::Path;

use serde_json::json;

use super::exit::Exit;
use super::output::Output;
use crate::config::model::Config;
use crate::config::{self, Environment};

/// Report all errors of the configuration, with file, line and column
///
/// Also checks that the files and folders in the configuration can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml check
  dropship check --online

Exit codes:
  0   no errors (there may be warnings)
  78  errors found")]
pub(super) struct Args {
    /// Also get a token and make one read-only call with each account
    #[arg(long)]
    online: bool,
}

pub(super) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let loaded =
        config::load(path, &Environment::from_variables(|name| std::env::var_os(name))).and_then(|config| {
            config.ready_to_run()?;
            Ok(config)
        });
    let config = match loaded {
        Ok(mut config) => {
            config.warnings.problems.extend(config::expiry::certificate_warnings(&config));
            config
        }
        Err(report) => {
            if output.json() {
                output.give(&json!({ "ok": false, "problems": report.problems }), String::new)?;
            } else {
                output.error(&report.to_string());
            }
            return Ok(Exit::Configuration);
        }
    };
    let mut problems = environment(&config);
    if args.online {
        problems.extend(online::check(&config, output).await);
    }
    let ok = problems.is_empty();
    let document = json!({
        "ok": ok,
        "problems": problems,
        "warnings": config.warnings.problems,
        "folders": config.folders.len(),
        "rules": config.rules.len(),
        "tests": config.tests.len(),
    });
    output.give(&document, || text(&config, &problems))?;
    Ok(if ok { Exit::Done } else { Exit::Configuration })
}

fn text(config: &Config, problems: &[String]) -> String {
    let mut lines: Vec<String> = problems.iter().map(|problem| format!("error: {problem}")).collect();
    if !config.warnings.problems.is_empty() {
        lines.push(config.warnings.to_string());
    }
    if problems.is_empty() {
        let (folders, rules, tests) = (config.folders.len(), config.rules.len(), config.tests.len());
        lines.push(format!(
            "{}: no errors ({folders} folders, {rules} rules, {tests} tests)",
            config.path.display()
        ));
    }
    lines.join("\n")
}

/// Problems with the files and folders that the configuration names.
fn environment(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    problems.extend(crate::accounts::policy(config).err().map(|error| format!("[signers]: {error:#}")));
    problems.extend(crate::accounts::clients(config, false).err().map(|error| format!("{error:#}")));
    for folder in &config.folders {
        if let Err(error) = std::fs::read_dir(&folder.path) {
            let advice =
                "create it, or grant this user read access; under systemd see `dropship systemd paths`";
            problems.push(format!(
                "folder `{}`: cannot read {}: {error}; {advice}",
                folder.name,
                folder.path.display()
            ));
        }
    }
    problems
}
