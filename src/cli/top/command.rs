//! The command: prints the view once, or shows it live on a terminal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::data::{self, ViewQuery};
use super::live;
use super::screen::Screen;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::cli::{backend, job_table, status};
use crate::wording::Clock;

/// Show a live view of the jobs
///
/// Running jobs are listed first, then the other unfinished ones, then the latest finished ones. Keys: arrows or j and k
/// select a job, Enter shows it, Esc returns to the list, / filters the jobs, q ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With --once, without a terminal, or with TERM=dumb, the view is printed once, as plain text.
NO_COLOR=1 turns colours off.")]
pub(crate) struct Args {
    /// Maximum number of jobs to show [default: 200 in the live view, 20 when the view is printed once]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Interval between updates, such as 500ms or 5s
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = dropship_rules::duration::parse)]
    every: Duration,
    /// Print the view once and exit
    #[arg(long)]
    once: bool,
}

/// Maximum number of jobs of the live view and of the printed view, unless `--limit` is given.
const MAX_LIVE_JOBS: usize = 200;
const MAX_PRINTED_JOBS: usize = 20;

pub(crate) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = Arc::new(backend::connect(config).await?);
    if !args.once && !output.json() && Screen::is_possible(output) {
        let limit = args.limit.unwrap_or(MAX_LIVE_JOBS);
        return live::run(&daemon, config, output, limit, args.every).await;
    }
    let query = ViewQuery { limit: args.limit.unwrap_or(MAX_PRINTED_JOBS), filter: String::new(), job: None };
    let loaded = data::load(&daemon, &query).await?;
    let document = serde_json::json!({ "status": loaded.status, "jobs": loaded.jobs });
    output.print_result(&document, || {
        let mut lines = status::text(&loaded.status);
        lines.push(String::new());
        match output.size() {
            Some(size) => {
                lines.extend(job_table::fitted(&loaded.jobs, size.columns, &Clock::new(output.is_terminal())))
            }
            None => lines.push(job_table::plain(&loaded.jobs)),
        }
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}
