//! `dropship show`: shows one job with its history.

use std::path::Path;

use super::page::{PageOptions, text};
use crate::cli::backend::Backend;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::wording::Clock;
use dropship_job::JobId;

/// Show one job with its history
///
/// Also prints what an operator can do next. The history has one line for each step, with the time that it took; routine
/// events are left out or counted. Times are local on a terminal, and UTC elsewhere.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Print all events with their stored fields in place of the history
    #[arg(long)]
    events: bool,
}

pub(crate) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let job = backend.show(&args.job).await?;
    let columns = output.size().map(|size| size.columns);
    let page =
        PageOptions { config, clock: &Clock::new(output.is_terminal()), columns, with_events: args.events };
    output.print_result(&job, || text(&job, &page))?;
    Ok(Exit::Done)
}
