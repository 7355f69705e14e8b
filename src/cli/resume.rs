//! `dropship resume`: ends a pause.

use std::path::Path;

use serde_json::json;

use super::backend::Backend;
use super::exit::Exit;
use super::output::Output;
use crate::wording::scope_name;

/// End a pause
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the folder whose jobs to resume [default: all folders]
    #[arg(value_name = "FOLDER")]
    folder: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    Backend::find(config).await?.resume(args.folder.as_deref()).await?;
    let scope = scope_name(args.folder.as_deref());
    output.print_result(&json!({ "done": "resume", "folder": args.folder }), || {
        format!("{scope} is resumed")
    })?;
    Ok(Exit::Done)
}
