//! `dropship sandbox`: the stand-in as a server of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::output::Output;
use dropship_redact::Secret;
use dropship_rules::duration;
use dropship_sandbox::{Credentials, Fault, Options, Quirks, Sandbox, Wait};

/// What `--help` says at its end.
const MORE: &str = "\
The first line that it prints is its base URL. That one address is everything: the authority
(URL/TENANT/oauth2/token and oauth2/v2.0/token), the API (URL/v2.0/my/hardware, v1.0 too), and
the blob store that packages go to and come from. A script that was written for the real service
runs unchanged but for these two hosts:

  https://login.microsoftonline.com         ->  URL
  https://manage.devcenter.microsoft.com    ->  URL

Durations such as 250ms, 5s, 10m, 7d are working time, which --speed makes shorter; those of
tokens, upload URLs and throttling are real time.

Controls for tests in any language, all under URL/__sandbox:
  GET  state | requests | faults              what it holds, what it was asked, which faults wait
  POST faults   {\"operation\":\"create_product\",\"action\":{\"kind\":\"status\",\"status\":503}}
  POST clock    {\"ripen_seconds\":600}         skip working time; advance_seconds: real time, too
  POST release  {\"id\":\"…\"}                    end a review, an approval, a rollout
  POST labels/ID/refuse {\"why\":\"…\"}        refuse a label, with an error report
  POST products {\"tenant\":\"…\",\"count\":12345}  fill an account
  POST reset                                  forget everything

Examples:
  dropship sandbox --listen 127.0.0.1:8080 --speed 600
  dropship sandbox --quirks all --requests-per-minute 20
  dropship sandbox --review until-released --approval 2d --sas-lifetime 30s";

/// Arguments of `sandbox`.
#[derive(Debug, clap::Args)]
#[command(after_help = MORE)]
pub(super) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// How many times faster than the real service: at 1 a submission signs in 10 minutes, a label publishes in 60
    #[arg(long, default_value = "1", value_name = "N", value_parser = speed)]
    speed: f64,
    /// Rarer behaviours of the real service: `all`, or names with commas; `list` lists them
    #[arg(long, default_value = "", value_name = "NAMES")]
    quirks: String,
    /// Faults to begin with: a JSON file with a list of them, as the controls take them
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// What ids follow from, so that two runs are alike; without it each run has ids of its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    account: Account,
}

/// How long things take.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Working time")]
struct Work {
    /// From commit to signature
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration::parse)]
    sign: Duration,
    /// From a label's creation to its publication
    #[arg(long, default_value = "60m", value_name = "DURATION", value_parser = duration::parse)]
    publish: Duration,
    /// From a label's cancellation to its end
    #[arg(long, default_value = "26h", value_name = "DURATION", value_parser = duration::parse)]
    cancel: Duration,
    /// Manual review of each submission: `none`, so long, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    review: Wait,
    /// Microsoft's approval of each label, beyond the usual: `none`, so long, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    approval: Wait,
    /// Gradual rollout of each label, which no step shows: `none`, so long, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    rollout: Wait,
}

/// What the service allows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// How many requests an account may make in a window; without it there is no limit
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
    /// The window that requests are counted in
    #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = duration::parse)]
    throttle_window: Duration,
    /// How many products make a page
    #[arg(long, default_value = "50", value_name = "N", value_parser = page)]
    page_size: usize,
    /// How long a token lives
    #[arg(long, default_value = "60m", value_name = "DURATION", value_parser = duration::parse)]
    token_lifetime: Duration,
    /// How long an upload or download URL lives
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = duration::parse)]
    sas_lifetime: Duration,
}

/// Whom it gives tokens to: everybody, unless all three are given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The one account that gets tokens (default: any)")]
struct Account {
    /// Its tenant
    #[arg(long, value_name = "ID", requires = "client_id", requires = "client_secret_file")]
    tenant_id: Option<String>,
    /// Its application
    #[arg(long, value_name = "ID", requires = "tenant_id")]
    client_id: Option<String>,
    /// The file that its secret is in
    #[arg(long, value_name = "FILE", requires = "tenant_id")]
    client_secret_file: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    let fine = speed.is_finite() && speed > 0.0;
    if fine { Ok(speed) } else { Err("a speed is greater than 0, such as 0.5, 60 or 1200".to_owned()) }
}

fn page(text: &str) -> Result<usize, String> {
    let size = text.parse().map_err(|_| format!("`{text}` is not a number of products"))?;
    if size > 0 { Ok(size) } else { Err("a page holds at least one product".to_owned()) }
}

fn wait(text: &str) -> Result<Wait, String> {
    match text {
        "none" => Ok(Wait::None),
        "until-released" => Ok(Wait::UntilReleased),
        span => duration::parse(span)
            .map(Wait::For)
            .map_err(|error| format!("{error}; or say none, or until-released")),
    }
}

impl Account {
    fn credentials(&self) -> anyhow::Result<Credentials> {
        let (Some(tenant_id), Some(client_id), Some(file)) =
            (&self.tenant_id, &self.client_id, &self.client_secret_file)
        else {
            return Ok(Credentials::Any);
        };
        let secret = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        Ok(Credentials::One {
            tenant_id: tenant_id.clone(),
            client_id: client_id.clone(),
            client_secret: Secret::new(secret.trim_end_matches(['\r', '\n'])),
        })
    }
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        let (work, limits) = (&self.work, &self.limits);
        let defaults = Options::default();
        Ok(Options {
            listen: self.listen,
            speed: self.speed,
            quirks: Quirks::parse(&self.quirks)?,
            credentials: self.account.credentials()?,
            seed: self.seed.unwrap_or(defaults.seed),
            requests_per_minute: limits.requests_per_minute,
            throttle_window: limits.throttle_window,
            token_lifetime: limits.token_lifetime,
            sas_lifetime: limits.sas_lifetime,
            page_size: limits.page_size,
            sign: work.sign,
            publish: work.publish,
            cancel: work.cancel,
            review: work.review,
            approval: work.approval,
            rollout: work.rollout,
        })
    }

    fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        let Some(file) = &self.faults else {
            return Ok(Vec::new());
        };
        let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{}: not a list of faults", file.display()))
    }
}

pub(super) async fn run(args: &Args, output: &Output) -> anyhow::Result<Exit> {
    if args.quirks == "list" {
        let names: Vec<_> =
            Quirks::names().map(|(name, meaning)| vec![name.to_owned(), meaning.to_owned()]).collect();
        output.give(&names, || super::output::table(&["QUIRK", "WHAT THE SERVICE DOES"], &names))?;
        return Ok(Exit::Done);
    }
    let (options, faults) = (args.options()?, args.faults()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listen = options.listen;
    let sandbox = Sandbox::start(options).await.with_context(|| format!("listen on {listen}"))?;
    for fault in faults {
        sandbox.control().fault(fault).context("a fault's path is no glob")?;
    }
    let document = serde_json::json!({ "base_url": sandbox.base_url() });
    output.give(&document, || sandbox.base_url().to_owned())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(Exit::Done)
}
