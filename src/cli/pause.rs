//! `dropship pause`: stops all changes at Microsoft until `resume`.

use std::path::Path;

use serde_json::json;

use super::backend::Backend;
use super::exit::Exit;
use super::output::Output;
use crate::wording::scope_name;

/// Stop all changes at Microsoft until `resume`
///
/// With FOLDER, stops only the changes for jobs of this folder. Once the command returns, the daemon creates, commits and changes
/// nothing at Microsoft for the paused jobs. Reads and downloads continue. The pause survives restarts of the daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship pause
  dropship pause audio")]
pub(super) struct Args {
    /// Name of the folder whose jobs to pause [default: all folders]
    #[arg(value_name = "FOLDER")]
    folder: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    Backend::find(config).await?.pause(args.folder.as_deref()).await?;
    let scope = scope_name(args.folder.as_deref());
    output.print_result(&json!({ "done": "pause", "folder": args.folder }), || {
        format!("{scope} is paused: nothing is created, committed or changed until `dropship resume`")
    })?;
    Ok(Exit::Done)
}
