//! `dropship submit`: hand a package in.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::Output;
use super::place::Place;
use super::wait;
use dropship_job::StateKind;

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship submit build/echo.cab --folder audio --wait
Exit codes: 0 it is queued, with --wait published, 65 it was rejected, failed or was cancelled, 69 no daemon answers")]
pub(super) struct Args {
    /// The package
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder that it counts for
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// The rule to go by, instead of the first that matches
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Wait until it is published or ends
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = Place::daemon(config).await?;
    let id = daemon.submit(&args.file, args.folder.as_deref(), args.rule.as_deref()).await?;
    if args.wait {
        return wait::for_job(&daemon, &id, wait::For::Published, None, output).await;
    }
    let job = daemon.show(&id).await?;
    let rejected = job.state == StateKind::Rejected;
    output.give(&job, || {
        let why = job.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
        format!("{}: {}{why}", job.id, job.state)
    })?;
    Ok(if rejected { Exit::Rejected } else { Exit::Done })
}
