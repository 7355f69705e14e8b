//! `dropship top`: a live view of the jobs.

use std::path::Path;
use std::time::Duration;

use super::backend;
use super::exit::Exit;
use super::output::{Output, table};
use crate::control::{JobQuery, Status};
use crate::observe::EscapedLines;
use crate::outbox::Receipt;
use dropship_job::StateKind;

/// Show a live view of the jobs
///
/// Ctrl-C ends it. Running jobs are listed first, then the other unfinished ones, then the latest finished ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Maximum number of jobs to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Interval between updates, such as 500ms or 5s
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = dropship_rules::duration::parse)]
    every: Duration,
    /// Print the view once and exit
    #[arg(long)]
    once: bool,
}

/// Terminal sequences that redraw the screen without flicker.
const HOME: &str = "\x1b[H";
const ERASE_LINE: &str = "\x1b[K";
const ERASE_BELOW: &str = "\x1b[J";

/// The order of the states: running jobs first, then other unfinished ones, then finished ones.
const ORDER: [StateKind; 8] = [
    StateKind::Running,
    StateKind::Queued,
    StateKind::Waiting,
    StateKind::Held,
    StateKind::Failed,
    StateKind::Rejected,
    StateKind::Succeeded,
    StateKind::Cancelled,
];

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
    let live = output.is_terminal() && !args.once && !output.json();
    loop {
        let status = daemon.status().await?;
        let mut jobs = Vec::new();
        for state in ORDER {
            let left = args.limit.saturating_sub(jobs.len());
            if left == 0 {
                break;
            }
            let query = JobQuery { state: Some(state), limit: left, ..JobQuery::default() };
            for job in daemon.jobs(&query).await? {
                // A job that changed its state between two requests is shown once.
                if !jobs.iter().any(|known: &Receipt| known.id == job.id) {
                    jobs.push(job);
                }
            }
        }
        jobs.truncate(args.limit);
        if !live {
            let document = serde_json::json!({ "status": status, "jobs": jobs });
            output.give(&document, || view(&status, &jobs))?;
            return Ok(Exit::Done);
        }
        let lines: Vec<_> = EscapedLines(&view(&status, &jobs))
            .to_string()
            .lines()
            .map(|line| format!("{line}{ERASE_LINE}"))
            .collect();
        output.screen(&format!("{HOME}{}\n{ERASE_BELOW}", lines.join("\n")));
        tokio::select! {
            () = tokio::time::sleep(args.every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        }
    }
}

fn view(status: &Status, jobs: &[Receipt]) -> String {
    let mut lines = super::status::text(status);
    lines.push(String::new());
    let rows: Vec<_> = jobs.iter().map(super::jobs::row).collect();
    lines.push(table(&super::jobs::HEADS, &rows));
    lines.join("\n")
}
