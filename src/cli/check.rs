//! `dropship check`: reports all errors of the configuration.

mod daemon_user;
mod online;
mod unit;

use std::path::Path;

use serde_json::json;

use self::daemon_user::DaemonUser;
use super::exit::Exit;
use super::output::Output;
use crate::requirements::{self, Secrets};
use dropship_config::model::Config;
use dropship_config::{Environment, Problem, Report, Severity};
use dropship_job::counted;

/// Report all errors of the configuration, with file, line and column
///
/// Also checks the credentials, certificates, ports, store and folders that the configuration names. Creates and removes a file in each
/// folder that the daemon writes to. When root runs it, it checks with the rights of the daemon's user, and reports folders that the
/// systemd unit hides from the daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml check
  sudo dropship check
  dropship check --online

Exit codes:
  0   no errors (there may be warnings)
  78  errors found")]
pub(super) struct Args {
    /// Also get a token and list the audiences with each account, and compare the audiences of the rules and the clock; changes
    /// nothing
    #[arg(long)]
    online: bool,
}

pub(super) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let input = CheckInput::of(path);
    // Before the change of the user: only root and the unit can read systemd's credentials.
    let online = match &input.config {
        Some(config) if args.online && input.has_no_errors() => online::check(config, output).await,
        _ => Vec::new(),
    };
    let (config, mut report, user) = input.examine(path)?;
    if report.errors() == 0
        && let Some(config) = &config
    {
        report.problems.extend(online.into_iter().map(|problem| Problem::of_file(&config.path, problem)));
    }
    let ok = report.errors() == 0;
    let (problems, warnings): (Vec<_>, Vec<_>) =
        report.problems.into_iter().partition(|problem| problem.severity == Severity::Error);
    let count = |of: fn(&Config) -> usize| config.as_ref().map_or(0, of);
    let document = json!({
        "ok": ok,
        "problems": problems,
        "warnings": warnings,
        "user": user,
        "folders": count(|config| config.folders.len()),
        "rules": count(|config| config.rules.len()),
        "tests": count(|config| config.tests.len()),
    });
    if !ok && !output.json() {
        output.error(&Report { problems: [problems, warnings].concat() }.to_string());
        if let Some(user) = user {
            output.note(&format!("checked as {user}, the user of the daemon"));
        }
        return Ok(Exit::Configuration);
    }
    output.print_result(&document, || {
        let mut lines = Vec::new();
        if !warnings.is_empty() {
            lines.push(Report { problems: warnings.clone() }.to_string());
        }
        let user = user.map(|user| format!(", checked as {user}")).unwrap_or_default();
        lines.extend(config.as_ref().map(|config| {
            let folders = counted(config.folders.len(), "folder");
            let (rules, tests) = (counted(config.rules.len(), "rule"), counted(config.tests.len(), "test"));
            format!("{}: no errors ({folders}, {rules}, {tests}{user})", config.path.display())
        }));
        lines.join("\n")
    })?;
    Ok(if ok { Exit::Done } else { Exit::Configuration })
}

/// The configuration as the calling user can read it, and the user for whom it is checked.
struct CheckInput {
    config: Option<Config>,
    report: Report,
    user: Option<DaemonUser>,
    /// Problems of systemd's credentials.
    credential_problems: Vec<Problem>,
    /// Problems of the database, if its password is a credential that only this user can read.
    database_problems: Option<Vec<Problem>>,
}

impl CheckInput {
    fn of(path: &Path) -> Self {
        let environment = Environment::from_variables(|name| std::env::var_os(name));
        let (config, report) = dropship_config::examine(path, &environment);
        let user = config.as_ref().and_then(|config| DaemonUser::of(config, path));
        let first = config.as_ref().filter(|_| reads_credentials_first(user.as_ref()));
        let credential_problems = first
            .map(|config| requirements::check_secrets(config, Secrets::InCredentials))
            .unwrap_or_default();
        let database_problems = first.and_then(requirements::check_database_of_credential);
        Self { config, report, user, credential_problems, database_problems }
    }

    fn has_no_errors(&self) -> bool {
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        self.report.errors() == 0 && !self.credential_problems.iter().any(is_error)
    }

    /// Returns the valid parts of the configuration, all problems of the configuration and of the machine, and the name of the user
    /// for whom they were found. Switches this process to that user.
    fn examine(self, path: &Path) -> anyhow::Result<(Option<Config>, Report, Option<String>)> {
        let Self { mut config, mut report, user, credential_problems, database_problems } = self;
        let secrets = if reads_credentials_first(user.as_ref()) { Secrets::Others } else { Secrets::All };
        if let Some(user) = user.as_ref().filter(|user| user.name_unless_root().is_some()) {
            user.switch()?;
            // Read again: perhaps only root can read some files of the configuration.
            let environment = Environment::from_variables(|name| std::env::var_os(name));
            (config, report) = dropship_config::examine(path, &environment);
        }
        if let Some(config) = &config {
            // After an error, a table may seem to be missing because it could not be used.
            if report.errors() == 0 {
                report
                    .problems
                    .extend(config.ready_to_run().err().into_iter().flat_map(|report| report.problems));
            }
            report.problems.extend(dropship_config::expiry::certificate_warnings(config));
            report.problems.extend(config.exposed_files());
            report.problems.extend(config.replaceable_outboxes());
            report.problems.extend(requirements::check_watches(config));
            report.problems.extend(requirements::check_start(config, false, secrets));
            report.problems.extend(credential_problems);
            if !user.as_ref().is_some_and(|user| user.gets_from_unit(&config.store.path)) {
                report.problems.extend(requirements::check_store(config, database_problems));
            }
            let runtime = config.control.socket.parent();
            if !runtime.is_some_and(|folder| user.as_ref().is_some_and(|user| user.gets_from_unit(folder))) {
                report.problems.extend(requirements::check_socket(config));
            }
            report.problems.extend(user.iter().flat_map(|user| user.unit_problems(config)));
        }
        Ok((config, report, user.and_then(|user| user.name_unless_root())))
    }
}

/// Whether systemd's credentials are read before the change of the user.
fn reads_credentials_first(user: Option<&DaemonUser>) -> bool {
    user.is_some_and(|user| user.name_unless_root().is_some() && user.is_of_unit())
}
