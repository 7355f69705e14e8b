//! `dropship reload`: the running daemon reads its configuration anew.

use std::path::Path;

use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::Output;
use super::place::Place;

pub(super) async fn run(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    // The daemon judges the new configuration for itself, and logs it.
    let client = Place::daemon(path).await?;
    match client.reload().await {
        Ok(reloaded) => {
            output.give(&reloaded, || reloaded.to_string().replace("; ", "\n"))?;
            Ok(Exit::Done)
        }
        Err(refusal) => {
            output.give(&json!({ "ok": false, "error": refusal }), String::new)?;
            let exit = Exit::of(&anyhow::Error::new(refusal.clone()));
            let text = format!("{refusal}\nthe daemon goes on with the configuration that it has");
            Err(Ending(exit, text).into())
        }
    }
}
