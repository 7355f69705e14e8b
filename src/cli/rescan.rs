//! `dropship rescan`: scans the folders now.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::Exit;
use super::output::{Output, scope_name};

/// Scan the folders now instead of at the next poll
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the folder to scan [default: all folders]
    #[arg(value_name = "FOLDER")]
    folder: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    backend::connect(config).await?.rescan(args.folder.as_deref()).await?;
    let scope = scope_name(args.folder.as_deref());
    output
        .give(&json!({ "done": "rescan", "folder": args.folder }), || format!("scan of {scope} started"))?;
    Ok(Exit::Done)
}
