//! `dropship sandbox`: the stand-in as a server of its own.

use std::net::SocketAddr;

use super::exit::Exit;
use super::output::Output;
use crate::sandbox::{Options, Quirks, Sandbox};

/// Arguments of `sandbox`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// How many times faster than the real service: at 1 a submission signs in 10 minutes
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    speed: f64,
    /// Rarer behaviours of the real service: `all`, or names with commas; `list` lists them
    #[arg(long, default_value = "", value_name = "NAMES")]
    quirks: String,
    /// How many requests a minute an account may make; without it there is no limit
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
}

pub(super) async fn run(args: &Args, output: &Output) -> anyhow::Result<Exit> {
    if args.quirks == "list" {
        let names: Vec<_> =
            Quirks::names().map(|(name, meaning)| vec![name.to_owned(), meaning.to_owned()]).collect();
        output.give(&names, || super::output::table(&["QUIRK", "WHAT THE SERVICE DOES"], &names))?;
        return Ok(Exit::Done);
    }
    let options = Options {
        listen: args.listen,
        speed: args.speed,
        quirks: Quirks::parse(&args.quirks)?,
        requests_per_minute: args.requests_per_minute,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    let document = serde_json::json!({ "base_url": sandbox.base_url() });
    output.give(&document, || sandbox.base_url().to_owned())?;
    tokio::signal::ctrl_c().await?;
    sandbox.shutdown().await;
    Ok(Exit::Done)
}
