//! `dropship jobs`: lists the jobs, newest first.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::backend::Backend;
use super::exit::Exit;
use super::output::{Output, or_dash, table};
use crate::control::{ControlError, JobQuery};
use crate::observe::Escaped;
use crate::outbox::Receipt;
use dropship_job::{JobId, StateKind};

/// Number of jobs in one request.
const PAGE: usize = 1000;

/// List the jobs, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship jobs --state held
  dropship jobs --limit 50
  dropship --json jobs --state failed")]
pub(super) struct Args {
    /// List only jobs in this state
    #[arg(long, value_name = "S", value_parser = state_parser())]
    state: Option<StateKind>,
    /// Maximum number of jobs; 0 lists all
    #[arg(long, default_value_t = 0, value_name = "N")]
    limit: usize,
    /// List only jobs that are older than this one
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
}

fn state_parser() -> impl TypedValueParser<Value = StateKind> {
    PossibleValuesParser::new(StateKind::ALL.map(StateKind::as_str)).try_map(|text| text.parse::<StateKind>())
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let jobs = all(&backend, args).await?;
    output.give(&jobs, || {
        if jobs.is_empty() {
            return "no jobs".to_owned();
        }
        let rows: Vec<_> = jobs.iter().map(row).collect();
        table(&HEADS, &rows)
    })?;
    Ok(Exit::Done)
}

/// Requests the jobs page by page, so that the daemon has at most one page in memory.
async fn all(backend: &Backend, args: &Args) -> Result<Vec<Receipt>, ControlError> {
    let max = if args.limit == 0 { usize::MAX } else { args.limit };
    let (mut jobs, mut before) = (Vec::<Receipt>::new(), args.before.clone());
    loop {
        let limit = PAGE.min(max - jobs.len());
        let query = JobQuery { state: args.state, before: before.take(), limit };
        let page = backend.jobs(&query).await?;
        let is_last = page.len() < limit;
        jobs.extend(page);
        if is_last || jobs.len() == max {
            return Ok(jobs);
        }
        before = jobs.last().map(|job| job.id.clone());
    }
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
