//! `dropship reload`: the running daemon reads its configuration anew.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::{Ending, Exit};
use super::output::Output;
use crate::control::Client;

pub(super) async fn run(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let socket = match super::place::load(path) {
        Ok(config) => config.control.socket,
        // The daemon judges for itself, and logs it; where it listens is mostly still to be read.
        Err(report) => match socket_of(path) {
            Some(socket) if socket.exists() => socket,
            _ => return Err(report),
        },
    };
    let client = Client::connect(&socket).await??;
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

/// The socket that a configuration names which is wrong in other places.
fn socket_of(path: &Path) -> Option<PathBuf> {
    let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
    let named = table.get("control").and_then(|control| control.get("socket")?.as_str().map(PathBuf::from));
    let runtime =
        || std::env::var_os("RUNTIME_DIRECTORY").map(|folder| Path::new(&folder).join("control.sock"));
    let socket = named.or_else(runtime).unwrap_or_else(|| "/run/dropship/control.sock".into());
    Some(path.parent()?.join(socket))
}
