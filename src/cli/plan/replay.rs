//! `plan --replay`: plans every remembered package again and prints the differences.

use std::cell::RefCell;
use std::path::Path;

use jiff::Timestamp;

use super::replay_report::ReplayReport;
use crate::cli::backend::{Backend, load};
use crate::cli::exit::Exit;
use crate::cli::job_filter::parse_since;
use crate::cli::output::Output;
use crate::replay::{Record, ReplayRules};
use dropship_hardware::DriverMetadata;
use dropship_job::JobId;

/// Options of `plan --replay`.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// Plan every package that the store remembers again with the configuration on disk, and print what would differ
    #[arg(long, conflicts_with_all = ["file", "folder", "vars", "metadata"], help_heading = "Replay")]
    pub(super) replay: bool,
    /// Only packages that arrived since then: a duration such as 90d, or a time such as 2026-11-02T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since, conflicts_with = "file", help_heading = "Replay")]
    since: Option<Timestamp>,
    /// Only packages that were planned by this rule, or would be
    #[arg(long, value_name = "R", conflicts_with = "file", help_heading = "Replay")]
    rule: Option<String>,
    /// List the packages with their differences below the counts
    #[arg(long, short, conflicts_with = "file", help_heading = "Replay")]
    verbose: bool,
}

pub(super) async fn run(args: &ReplayArgs, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let config = load(path)?;
    let rules = ReplayRules::of(&config);
    let backend = Backend::find(path).await?;
    let mut report = ReplayReport::new(output.json(), args.verbose)?;
    let mut is_known_rule = args.rule.is_none();
    backend
        .remembered(args.since, &mut |package, record| {
            let is_of_rule = |rule: Option<&str>| args.rule.is_none() || args.rule.as_deref() == rule;
            is_known_rule |= is_of_rule(package.rule.as_deref());
            let metadata = LazyMetadata { backend: &backend, failure: RefCell::new(None) };
            let replayed = rules.replay(package, record, || metadata.read(&package.job));
            metadata.failure.into_inner().map_or(Ok(()), Err)?;
            match replayed {
                Some(replayed)
                    if is_of_rule(replayed.rule.as_deref()) || is_of_rule(replayed.new_rule.as_deref()) =>
                {
                    report.add(&replayed)?;
                }
                Some(_) => {}
                None if package.record == Record::NotPlanned => report.not_planned += 1,
                None if is_of_rule(package.rule.as_deref()) => report.facts_gone += 1,
                None => {}
            }
            Ok(())
        })
        .await?;
    if let Some(rule) = args.rule.as_deref().filter(|_| !is_known_rule) {
        config.known_rule(rule)?;
    }
    let is_different = report.is_different();
    report.print(output)?;
    Ok(if is_different { Exit::Differences } else { Exit::Done })
}

/// Reads the driver metadata of a job when they are needed.
struct LazyMetadata<'a> {
    backend: &'a Backend,
    /// Why they could not be read.
    failure: RefCell<Option<anyhow::Error>>,
}

impl LazyMetadata<'_> {
    fn read(&self, job: &JobId) -> Option<DriverMetadata> {
        let read = self
            .backend
            .driver_metadata(job)
            .and_then(|bytes| Ok(bytes.map(|bytes| DriverMetadata::parse(&bytes)).transpose()?));
        read.unwrap_or_else(|error| {
            let context = format!("cannot read the stored driver metadata of job {job}");
            *self.failure.borrow_mut() = Some(error.context(context));
            None
        })
    }
}
