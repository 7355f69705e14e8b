//! `dropship jobs`: lists the jobs, newest first.

use std::path::Path;

use super::backend::Backend;
use super::exit::Exit;
use super::job_filter::JobFilter;
use super::output::{Output, or_dash, table};
use crate::observe::Escaped;
use crate::outbox::Receipt;
use dropship_job::JobId;

/// List the jobs, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship jobs --state held
  dropship jobs --folder audio --package 'echo-*.cab' --since 7d
  dropship --json jobs --state failed

Exit codes:
  0   a daemon answered
  64  no folder or rule has this name
  69  no daemon is running; printed from its store, if there is one")]
pub(super) struct Args {
    #[command(flatten)]
    filter: JobFilter,
    /// Maximum number of jobs; 0 lists all
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// List only jobs that are older than this one
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let max = if args.limit == 0 { usize::MAX } else { args.limit };
    let jobs = args.filter.jobs(&backend, args.before.clone(), max).await?;
    output.give(&jobs, || {
        if jobs.is_empty() {
            return if args.filter.is_empty() { "no jobs" } else { "no job matches the filters" }.to_owned();
        }
        let rows: Vec<_> = jobs.iter().map(row).collect();
        table(&HEADS, &rows)
    })?;
    Ok(backend.exit())
}

/// The columns of the table.
pub(super) const HEADS: [&str; 8] = ["JOB", "PACKAGE", "FOLDER", "RULE", "STEP", "STATE", "SINCE", ""];

pub(super) fn row(job: &Receipt) -> Vec<String> {
    let note = job.error.as_ref().map(|error| error.message.clone()).or_else(|| job.waits_for.clone());
    vec![
        job.id.to_string(),
        Escaped(&job.package).to_string(),
        or_dash(job.folder.as_deref()),
        or_dash(job.rule.as_deref()),
        job.step.to_string(),
        job.state.to_string(),
        job.updated.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Escaped(&shortened(note.as_deref().unwrap_or_default())).to_string(),
    ]
}

fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    if text.chars().count() <= MAX_CHARS {
        text.to_owned()
    } else {
        text.chars().take(MAX_CHARS - 1).chain(['…']).collect()
    }
}
