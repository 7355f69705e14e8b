//! `dropship sandbox`: runs the sandbox as a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::output::Output;
use dropship_redact::SecretString;
use dropship_rules::duration;
use dropship_sandbox::{Credentials, Fault, Options, Quirks, Sandbox, Wait};

/// The end of the help text.
const DETAILS: &str = "\
The first line of the output is the base URL. This address serves the authority
(URL/TENANT/oauth2/token and URL/TENANT/oauth2/v2.0/token), the API (URL/v2.0/my/hardware and
v1.0) and the blob store. To run a script against the sandbox, replace these two hosts:

  https://login.microsoftonline.com         ->  URL
  https://manage.devcenter.microsoft.com    ->  URL

Durations, such as 250ms, 5s, 10m or 7d, are working time, which --speed shortens. Only those of
tokens, upload and download URLs, and throttling are real time.

Controls for tests in any language, all under URL/__sandbox:
  GET  state | requests | faults              objects, received requests, configured faults
  POST faults   {\"operation\":\"create_product\",\"action\":{\"kind\":\"status\",\"status\":503}}
  POST clock    {\"ripen_seconds\":600}         advance working time; advance_seconds: all clocks
  POST release  {\"id\":\"…\"}                    end a review, an approval or a rollout
  POST labels/ID/refuse {\"why\":\"…\"}           reject a label, with an error report
  POST labels/ID/withdraw {\"why\":\"…\"}         withdraw a label in any step, as in Partner Center
  POST labels/ID/expire | DELETE labels/ID    end the distribution of a label, or remove it
  POST labels/ID/change {\"targeting\":{…}}     replace keys of the targeting of a label
  POST products {\"tenant\":\"…\",\"count\":12345}  add products to an account
  POST reset                                  delete all objects, faults and logged requests

Examples:
  dropship sandbox --listen 127.0.0.1:8080 --speed 600
  dropship sandbox --quirk string-ids --quirk late-metadata
  dropship sandbox --quirk all --requests-per-minute 20
  dropship sandbox --review until-released --approval 2d --sas-lifetime 30s";

/// Width of the lines with names of quirks, in characters.
const QUIRKS_WIDTH: usize = 92;

/// The end of the help text, with the names of all quirks.
fn details() -> String {
    let mut quirks = String::from("Quirks (`--quirk list` describes them):");
    let mut columns_left = 0;
    for (name, _) in Quirks::names() {
        if name.len() + 1 > columns_left {
            quirks.push_str("\n   ");
            columns_left = QUIRKS_WIDTH;
        }
        quirks.push(' ');
        quirks.push_str(name);
        columns_left -= name.len() + 1;
    }
    format!("{DETAILS}\n\n{quirks}")
}

/// Serve a local stand-in for the Hardware dashboard API
#[derive(Debug, clap::Args)]
#[command(after_help = details())]
pub(super) struct Args {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// Speed as a multiple of the real service; at 1, signing takes 10 minutes and publishing a label 60
    #[arg(long, default_value = "1", value_name = "N", value_parser = speed)]
    speed: f64,
    /// Enable a rare behaviour of the real service, by name; repeatable. `all` enables all, `list` prints the
    /// names and what they mean
    #[arg(long = "quirk", alias = "quirks", value_name = "NAME", value_delimiter = ',')]
    quirks: Vec<String>,
    /// JSON file with a list of initial faults, in the form that `POST faults` accepts (see below)
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Seed of the ids, to get the same ids in each run [default: random]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    work: WorkTimes,
    #[command(flatten)]
    limits: ServiceLimits,
    #[command(flatten)]
    account: TokenAccount,
}

/// Durations of the service's work.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Working time")]
struct WorkTimes {
    /// Time from commit to signature
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration::parse)]
    sign: Duration,
    /// Time from creation to publication of a label
    #[arg(long, default_value = "60m", value_name = "DURATION", value_parser = duration::parse)]
    publish: Duration,
    /// Time that the cancellation of a label takes
    #[arg(long, default_value = "26h", value_name = "DURATION", value_parser = duration::parse)]
    cancel: Duration,
    /// Manual review of each submission: `none`, a duration, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    review: Wait,
    /// Additional time of Microsoft's approval of each label: `none`, a duration, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    approval: Wait,
    /// Gradual rollout of each label: `none`, a duration, or `until-released`
    #[arg(long, default_value = "none", value_name = "WAIT", value_parser = wait)]
    rollout: Wait,
}

/// Limits of the service.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct ServiceLimits {
    /// Maximum number of requests per account and window [default: no limit]
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u32>,
    /// Window in which requests are counted
    #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = duration::parse)]
    throttle_window: Duration,
    /// Number of products per page
    #[arg(long, default_value = "50", value_name = "N", value_parser = page)]
    page_size: usize,
    /// Lifetime of a token
    #[arg(long, default_value = "60m", value_name = "DURATION", value_parser = duration::parse)]
    token_lifetime: Duration,
    /// Lifetime of an upload or download URL
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = duration::parse)]
    sas_lifetime: Duration,
}

/// The account that gets tokens; without these options every account does.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Account that gets tokens (default: every account)")]
struct TokenAccount {
    /// Tenant id
    #[arg(long, value_name = "ID", requires = "client_id", requires = "client_secret_file")]
    tenant_id: Option<String>,
    /// Client id of the application
    #[arg(long, value_name = "ID", requires = "tenant_id")]
    client_id: Option<String>,
    /// File that contains the client secret
    #[arg(long, value_name = "FILE", requires = "tenant_id")]
    client_secret_file: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if speed.is_finite() && speed > 0.0 {
        Ok(speed)
    } else {
        Err("the speed must be greater than 0, such as 0.5, 60 or 1200".to_owned())
    }
}

fn page(text: &str) -> Result<usize, String> {
    let size = text.parse().map_err(|_| format!("`{text}` is not a number of products"))?;
    if size > 0 { Ok(size) } else { Err("a page must hold at least one product".to_owned()) }
}

fn wait(text: &str) -> Result<Wait, String> {
    match text {
        "none" => Ok(Wait::None),
        "until-released" => Ok(Wait::UntilReleased),
        span => duration::parse(span)
            .map(Wait::For)
            .map_err(|error| format!("{error}; or use `none` or `until-released`")),
    }
}

impl TokenAccount {
    fn credentials(&self) -> anyhow::Result<Credentials> {
        let (Some(tenant_id), Some(client_id), Some(file)) =
            (&self.tenant_id, &self.client_id, &self.client_secret_file)
        else {
            return Ok(Credentials::Any);
        };
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Credentials::One {
            tenant_id: tenant_id.clone(),
            client_id: client_id.clone(),
            client_secret: SecretString::from(secret.trim_end_matches(['\r', '\n'])),
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
            quirks: Quirks::parse(&self.quirks.join(","))?,
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
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a list of faults", file.display()))
    }
}

pub(super) async fn run(args: &Args, output: &Output) -> anyhow::Result<Exit> {
    if args.quirks.iter().any(|name| name == "list") {
        let names: Vec<_> =
            Quirks::names().map(|(name, meaning)| vec![name.to_owned(), meaning.to_owned()]).collect();
        output.print_result(&names, || super::table::table(&["QUIRK", "WHAT THE SERVICE DOES"], &names))?;
        return Ok(Exit::Done);
    }
    let (options, faults) = (args.options()?, args.faults()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listen = options.listen;
    let sandbox = Sandbox::start(options).await.with_context(|| format!("cannot listen on {listen}"))?;
    for fault in faults {
        sandbox.control().fault(fault).context("the path of a fault is not a valid glob")?;
    }
    let document = serde_json::json!({ "base_url": sandbox.base_url() });
    output.print_result(&document, || sandbox.base_url().to_owned())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(Exit::Done)
}
