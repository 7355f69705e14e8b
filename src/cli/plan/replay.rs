//! `plan --replay`: plans every remembered package again and prints the differences.

use std::path::Path;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::replay_report::ReplayReport;
use super::replay_workers::{ReplayWorkers, ReplayedPackage};
use crate::cli::backend::{Backend, load};
use crate::cli::exit::Exit;
use crate::cli::job_filter::parse_since;
use crate::cli::output::Output;
use dropship_engine::operations::require_rule;
use dropship_engine::replay::{Record, ReplayRules};

/// Options of `plan --replay`.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// Plan all packages in the store again, with the configuration on disk, and print what would differ
    #[arg(long, conflicts_with_all = ["file", "folder", "vars", "metadata"], help_heading = "Replay")]
    pub(super) replay: bool,
    /// Only packages that arrived since TIME: a duration such as 90d, or a time such as 2026-11-02T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since, conflicts_with = "file", help_heading = "Replay")]
    since: Option<Timestamp>,
    /// Only packages that this rule planned, or would plan now
    #[arg(long, value_name = "R", conflicts_with = "file", help_heading = "Replay")]
    rule: Option<String>,
    /// List the packages with their differences below the counts
    #[arg(long, short, conflicts_with = "file", help_heading = "Replay")]
    verbose: bool,
}

pub(super) async fn run(args: &ReplayArgs, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let config = load(path)?;
    let backend = Backend::find(path).await?;
    let mut report = ReplayReport::new(output.json(), args.verbose)?;
    let mut is_known_rule = args.rule.is_none();
    let is_of_rule = |rule: Option<&str>| args.rule.is_none() || args.rule.as_deref() == rule;
    let workers =
        ReplayWorkers { rules: ReplayRules::of(&config), backend: &backend, runtime: Handle::current() };
    let mut on_package = |ReplayedPackage { package, differences }: ReplayedPackage| {
        is_known_rule |= is_of_rule(package.rule.as_deref());
        match differences {
            Some(differences)
                if is_of_rule(differences.rule.as_deref()) || is_of_rule(differences.new_rule.as_deref()) =>
            {
                report.add(&differences)?;
            }
            Some(_) => {}
            None if package.record == Record::NotPlanned => report.not_planned += 1,
            None if is_of_rule(package.rule.as_deref()) => report.facts_gone += 1,
            None => {}
        }
        Ok(())
    };
    tokio::task::block_in_place(|| workers.run(args.since, &mut on_package))?;
    if let Some(rule) = args.rule.as_deref().filter(|_| !is_known_rule) {
        require_rule(&config, rule)?;
    }
    let is_different = report.is_different();
    report.print(output)?;
    Ok(if is_different { Exit::Differences } else { Exit::Done })
}
