//! `dropship submit`: submits a package without a drop folder.

use std::path::{Path, PathBuf};

use super::backend;
use super::exit::Exit;
use super::output::Output;
use super::wait;
use dropship_job::StateKind;

/// Submit a package directly, without a drop folder
///
/// The package is inspected and matched against the rules as if it had been dropped. `--folder` and `--rule` choose among the
/// rules that apply to it; they bypass no condition of a rule.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship submit build/echo.cab --folder audio --wait

Exit codes:
  0   accepted; with --wait: published
  65  rejected, failed or cancelled
  69  no daemon is running")]
pub(super) struct Args {
    /// Package to submit (.cab, .hlkx, .hckx)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder whose settings and rules apply
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Rule to use instead of the first matching one; it must match, too
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Wait until all labels are published or the job ends
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
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
