//! `dropship jobs`: lists the jobs, newest first.

use std::path::Path;

use super::backend::Backend;
use super::exit::Exit;
use super::job_filter::JobFilter;
use super::job_table;
use super::output::{Output, TerminalSize};
use super::text_width::wrapped;
use crate::wording::Clock;
use dropship_engine::outbox::Receipt;
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
  69  no daemon is running; the output is from its store, if there is one")]
pub(super) struct Args {
    #[command(flatten)]
    filter: JobFilter,
    /// Maximum number of jobs; 0 lists all [default: as many as fit the terminal, all elsewhere]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// List only jobs that are older than this one
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let size = output.size().filter(|_| !output.json());
    let max = match (args.limit, size) {
        (Some(0), _) | (None, None) => usize::MAX,
        (Some(limit), _) => limit,
        // One more than fits shows whether there are more.
        (None, Some(size)) => fitting_rows(size) + 1,
    };
    let jobs = args.filter.jobs(&backend, args.before.clone(), max).await?;
    output.print_result(&jobs, || match (jobs.is_empty(), size) {
        (true, _) if args.filter.is_empty() => "no jobs".to_owned(),
        (true, _) => "no job matches the filters".to_owned(),
        (false, None) => job_table::plain(&jobs),
        (false, Some(size)) => {
            let fitting = if args.limit.is_none() { fitting_rows(size) } else { jobs.len() };
            fitted(
                &jobs[..fitting.min(jobs.len())],
                jobs.len() > fitting,
                size.columns,
                &Clock::new(output.is_terminal()),
            )
        }
    })?;
    Ok(backend.exit())
}

/// Number of jobs that fit a terminal, with the head of the table, the note and the next prompt.
fn fitting_rows(size: TerminalSize) -> usize {
    let note = wrapped(&note(&"0".repeat(ID_LENGTH)), size.columns, 0).len();
    size.rows.saturating_sub(note + 2).max(1)
}

/// Length of the id of a job.
const ID_LENGTH: usize = 14;

/// What to do when not all jobs are listed.
fn note(last: &str) -> String {
    format!("there are more jobs: `--limit 0` lists all, `--before {last}` the next ones")
}

/// The table on a terminal, with a note if there are more jobs.
fn fitted(jobs: &[Receipt], has_more: bool, columns: usize, clock: &Clock) -> String {
    let mut lines = job_table::fitted(jobs, columns, clock);
    if let Some(last) = jobs.last().filter(|_| has_more) {
        lines.extend(wrapped(&note(last.id.as_str()), columns, 0));
    }
    lines.join("\n")
}
