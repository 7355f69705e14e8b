//! From the files as written to the validated configuration.

use super::diagnostics::Problems;
use super::{account, api, folders, guard, lint, notify, preflight, rules, signers, test_cases, web};
use crate::Environment;
use crate::model::{Config, Signers};
use crate::raw;
use crate::repeated;
use crate::report::{Problem, Report, Severity};
use crate::sources::SourceUnit;

/// Validates the files that were read. `problems` are those found while reading.
///
/// # Errors
/// Every problem, if one of them is an error.
pub(crate) fn validate(
    units: &[SourceUnit],
    problems: Vec<Problem>,
    environment: &Environment,
) -> Result<Config, Report> {
    match examine(units, problems, environment) {
        (Some(config), report) if report.errors() == 0 => Ok(config),
        (_, report) => Err(report),
    }
}

/// Every problem of the files that were read, and the configuration of their valid parts; `None` if its first file could not be read.
pub(crate) fn examine(
    units: &[SourceUnit],
    problems: Vec<Problem>,
    environment: &Environment,
) -> (Option<Config>, Report) {
    let mut problems = Problems { list: problems, passed_dates: environment.passed_dates };
    let Some(main) = units.first() else {
        return (None, Report { problems: problems.list });
    };
    let mut diagnostics = problems.diagnostics(main);
    let accounts = account::accounts(&mut diagnostics, &main.file);
    let api = api::api(&mut diagnostics, &main.file);
    let (store, control) = api::store_and_control(&mut diagnostics, &main.file, environment);
    let metrics = notify::metrics(&mut diagnostics, &main.file);
    let web = web::web(&mut diagnostics, &main.file, metrics);
    let notifications = notify::notify(&mut diagnostics, &main.file);
    let signers = main.file.signers.as_ref().map(|raw| signers::signers(&mut diagnostics, raw));
    let preflight = preflight::preflight(&mut diagnostics, &main.file);
    let guard = guard::guard(&mut diagnostics, &main.file);
    let folders = folders::folders(&mut problems, units, &store);
    let rules = rules::rules(&mut problems, units, &folders, &accounts);
    lint::lint(&mut problems, units, &rules);
    guard::check_rules(&mut problems, units, &guard, &rules);
    let cases = test_cases::cases(&mut problems, units, &folders, &rules);
    if api.is_none() && problems.list.iter().all(|problem| problem.severity != Severity::Error) {
        problems.list.push(Problem::of_file(&main.source.path, "`[api]` cannot be used"));
    }
    let order = |problem: &Problem| {
        let file = units.iter().position(|unit| unit.source.path == problem.file);
        (file, problem.line, problem.column)
    };
    problems.list.sort_by_key(order);
    problems.list.dedup();
    repeated::join(&mut problems.list);
    let report = Report { problems: problems.list };
    // Without usable URLs, the files that the other keys name can still be examined.
    let api = api.or_else(|| api::api(&mut Problems::default().diagnostics(main), &raw::File::default()));
    let mut folders: Vec<_> = folders.into_iter().map(|folder| folder.folder).collect();
    // The vector has the room of the larger elements that it was made from.
    folders.shrink_to_fit();
    let config = api.filter(|_| !main.is_unreadable).map(|api| Config {
        path: main.source.path.clone(),
        accounts,
        api,
        store,
        control,
        metrics,
        web,
        notify: notifications,
        folders,
        guard,
        signers: signers.unwrap_or_else(Signers::default),
        preflight,
        rules: rules.into_iter().filter_map(|rule| rule.rule).collect(),
        tests: cases,
        warnings: report.clone(),
        files: units.iter().map(|unit| unit.source.path.clone()).collect(),
    });
    (config, report)
}
