//! `dropship reload`: makes the daemon apply the configuration on disk.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::{Exit, ExitError};
use super::output::Output;

/// Apply the configuration on disk, completely or not at all
///
/// Prints what has changed once the new configuration is active, or every reason why it was refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0   applied
  69  no daemon is running
  77  not permitted
  78  refused: the configuration is invalid")]
pub(super) struct Args {}

pub(super) async fn run(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let client = backend::connect(path).await?;
    match client.reload().await {
        Ok(reloaded) => {
            output.give(&reloaded, || reloaded.to_string().replace("; ", "\n"))?;
            Ok(Exit::Done)
        }
        Err(error) => {
            let exit = Exit::of(&anyhow::Error::new(error.clone()));
            if output.json() {
                output.give(&json!({ "ok": false, "error": error }), String::new)?;
                return Ok(exit);
            }
            let text = format!("{error}\nthe reload was refused; the daemon keeps its current configuration");
            Err(ExitError(exit, text).into())
        }
    }
}
