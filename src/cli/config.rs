//! `dropship config`: the configuration as the daemon would use it.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::Exit;
use super::output::Output;
use dropship_config::effective;

/// Commands about the configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show every value of the configuration on disk, with the file and line that set it
    ///
    /// In each table, the keys that no file sets come last, marked `default`. Keys in `[defaults]` appear in the rules that use them.
    /// Paths are absolute. The labels of a rule are numbered from 1. URLs of webhooks and arguments of commands are never shown, because
    /// they can be secrets.
    #[command(after_help = "\
Examples:
  dropship config show
  dropship config show | grep '^folder[.]audio[.]'

Exit codes:
  0   shown
  78  the configuration has errors")]
    Show,
}

pub(super) fn run(command: &Command, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    match command {
        Command::Show => show(path, output),
    }
}

fn show(path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let config = backend::load(path)?;
    let settings = effective::effective(&config)?;
    let main = std::path::absolute(&config.path)?;
    let home = main.parent().unwrap_or(Path::new(""));
    let document: Vec<_> = settings
        .iter()
        .map(|setting| {
            let (file, line) =
                setting.place.as_ref().map(|(file, line)| (file.display().to_string(), line)).unzip();
            json!({ "key": setting.key(), "value": exact(&setting.value), "file": file, "line": line })
        })
        .collect();
    output.print_result(&document, || {
        let lines = settings.iter().map(|setting| {
            let place = match &setting.place {
                Some((file, line)) => format!("{}:{line}", file.strip_prefix(home).unwrap_or(file).display()),
                None => "default".to_owned(),
            };
            format!("{} = {}  # {place}", setting.key(), setting.literal())
        });
        lines.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Done)
}

/// A number that JSON readers would round, such as an id, as text.
fn exact(value: &toml::Value) -> serde_json::Value {
    const MAX_EXACT: u64 = 1 << 53;
    match value {
        toml::Value::Integer(number) if number.unsigned_abs() > MAX_EXACT => number.to_string().into(),
        toml::Value::Array(items) => items.iter().map(exact).collect(),
        other => json!(other),
    }
}
