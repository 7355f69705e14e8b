//! `dropship log-level`: changes the level of the running daemon's log.

use std::path::Path;

use serde_json::json;

use super::backend;
use super::exit::Exit;
use super::output::Output;
use dropship_engine::observe::LogLevel;

/// Change the level of the running daemon's log until it restarts
///
/// `dropship run --log-level` and the environment variable `DROPSHIP_LOG` set the level at the start.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship log-level debug
  dropship log-level info

Exit codes:
  0   changed
  69  no daemon is running
  77  not permitted")]
pub(super) struct Args {
    /// Lowest level to log
    #[arg(value_enum, value_name = "LEVEL")]
    level: LogLevel,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let previous = backend::connect(config).await?.set_log_level(args.level).await?;
    let (level, previous) = (args.level.as_str(), previous.as_str());
    output.print_result(&json!({ "done": "log-level", "level": level, "previous": previous }), || {
        format!("the daemon logs at level {level} until it restarts (before: {previous})")
    })?;
    Ok(Exit::Done)
}
