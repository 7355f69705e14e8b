//! `dropship wait`: blocks until a job is signed or published.

use std::path::{Path, PathBuf};

use super::backend;
use super::exit::Exit;
use super::output::Output;
use super::wait_file::wait_for_job_of_file;
use super::wait_job::{CommandWait, WaitOptions, wait_for_job};
use dropship_job::JobId;

/// Block until a job is signed or published, or ends
///
/// Prints each transition to standard error. Waits while the daemon restarts, and while the database of a fleet does not
/// respond.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship wait build/echo.cab --for signed --timeout 2h
  dropship wait /srv/drop/audio/echo-1.2.3.cab --held fail --fetch out/

Exit codes:
  0   the job reached the state
  65  the job failed, was rejected or was cancelled before; with --held fail: it is held
  69  no daemon is running
  75  timed out")]
pub(super) struct Args {
    /// Id of a job, or a package file; for a file, the command waits until the daemon has accepted it, and finds the job by the
    /// file's content
    #[arg(value_name = "JOB|FILE")]
    target: String,
    #[command(flatten)]
    options: WaitOptions,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
    let wait = CommandWait::new(daemon, output.clone(), &args.options);
    let id = match args.target.parse::<JobId>() {
        Ok(id) if !Path::new(&args.target).exists() => id,
        _ => wait_for_job_of_file(&wait, PathBuf::from(&args.target)).await?,
    };
    wait_for_job(&wait, &id).await
}
