//! `dropship top`: the jobs as they move, over any terminal.

use std::path::Path;
use std::time::Duration;

use super::exit::Exit;
use super::output::{Output, table};
use super::place::Place;
use crate::control::{Status, Wanted};
use crate::outbox::Receipt;
use dropship_job::StateKind;

/// Arguments of `top`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Jobs shown
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Refreshed this often
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = dropship_rules::duration::parse)]
    every: Duration,
    /// Show it once and end
    #[arg(long)]
    once: bool,
}

/// To the top left; and what was there below the new picture is erased.
const HOME: &str = "\x1b[H";
const ERASE_LINE: &str = "\x1b[K";
const ERASE_BELOW: &str = "\x1b[J";

/// Open jobs first, those in hand before all others; then what ended last.
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
    let daemon = Place::daemon(config).await?;
    let live = output.is_terminal() && !args.once && !output.json();
    loop {
        let status = daemon.status().await?;
        let mut jobs = Vec::new();
        for state in ORDER {
            let left = args.limit.saturating_sub(jobs.len());
            if left == 0 {
                break;
            }
            let wanted = Wanted { state: Some(state), limit: left, before: None };
            for job in daemon.jobs(&wanted).await? {
                // One that moved on between two questions is shown once.
                if !jobs.iter().any(|known: &Receipt| known.id == job.id) {
                    jobs.push(job);
                }
            }
        }
        jobs.truncate(args.limit);
        if !live {
            let document = serde_json::json!({ "status": status, "jobs": jobs });
            output.give(&document, || picture(&status, &jobs))?;
            return Ok(Exit::Done);
        }
        let lines: Vec<_> =
            picture(&status, &jobs).lines().map(|line| format!("{line}{ERASE_LINE}")).collect();
        output.say(&format!("{HOME}{}\n{ERASE_BELOW}", lines.join("\n")));
        tokio::select! {
            () = tokio::time::sleep(args.every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        }
    }
}

fn picture(status: &Status, jobs: &[Receipt]) -> String {
    let mut lines = super::status::text(status);
    lines.push(String::new());
    let rows: Vec<_> = jobs.iter().map(super::jobs::row).collect();
    lines.push(table(&super::jobs::HEADS, &rows));
    lines.join("\n")
}
