//! `dropship rescan`: scans the folders now.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::Exit;
use super::output::Output;

/// Scan the folders now instead of at the next poll
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the folder to scan [default: all folders]
    #[arg(value_name = "FOLDER")]
    folder: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    backend::connect(config).await?.rescan(args.folder.as_deref()).await?;
    let scope =
        args.folder.as_ref().map_or_else(|| "all folders".to_owned(), |name| format!("folder `{name}`"));
    output.print_result(&json!({ "done": "rescan", "folder": args.folder }), || {
        format!("scan of {scope} started")
    })?;
    Ok(Exit::Done)
}
