//! `dropship reload`: makes the daemon apply the configuration on disk.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::{Exit, ExitError};
use super::output::Output;

/// Apply the configuration on disk, completely or not at all
///
/// Prints what has changed, or every reason why the new configuration was refused. Unfinished jobs keep the plan that they were
/// created with. The command also prints which of them the new configuration would plan differently, and the differences.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship reload --dry-run
  dropship reload

Exit codes:
  0   applied; with --dry-run: the configuration would be applied
  69  no daemon is running
  77  not permitted
  78  refused: the configuration is invalid")]
pub(super) struct Args {
    /// Apply nothing: print what a reload would change, and which unfinished jobs it would plan differently
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: &Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let client = backend::connect(path).await?;
    let answer = if args.dry_run { client.preview_reload().await } else { client.reload().await };
    match answer {
        Ok(reloaded) => {
            output.print_result(&reloaded, || reloaded.lines().join("\n"))?;
            Ok(Exit::Done)
        }
        Err(error) => {
            let exit = Exit::of(&anyhow::Error::new(error.clone()));
            if output.json() {
                output.print_result(&json!({ "ok": false, "error": error }), String::new)?;
                return Ok(exit);
            }
            let result = if args.dry_run {
                "a reload would be refused"
            } else {
                "the reload was refused; the daemon keeps its current configuration"
            };
            Err(ExitError(exit, format!("{error}\n{result}")).into())
        }
    }
}
