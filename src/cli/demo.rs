//! `dropship demo`: processes a package from drop folder to published label, with a sandbox in place of Microsoft.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::json;

use super::exit::Exit;
use super::output::{Output, or_dash};
use super::progress::ProgressPrinter;
use crate::daemon::{ForcedExit, Loaded, Options, Running, StartupCancellation};
use dropship_config::Environment;
use dropship_engine::observe::{self, LogFormat, LogLevel};
use dropship_engine::outbox::Receipt;
use dropship_job::StateKind;
use dropship_redact::ShellWord;
use dropship_sandbox::{self, Sandbox};
use dropship_store::Filter;

/// A signed CAB and its root certificate. Only the demo trusts this root.
const PACKAGE: &[u8] = include_bytes!("demo/echo.cab");
const ROOT: &[u8] = include_bytes!("demo/root.pem");
const TIMESTAMP_ROOT: &[u8] = include_bytes!("demo/timestamp-root.pem");
const CONFIGURATION: &str = include_str!("demo/dropship.toml");

/// Speed of the sandbox: signing takes one second, publishing a label six.
const SPEED: f64 = 600.0;

/// The demo fails if the job has not ended after this time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Process an example package from drop folder to published label, with a sandbox in place of Microsoft
///
/// Needs no configuration and sends nothing to Microsoft. Prints every step and where the results are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Empty folder for the files of the demo [default: a new temporary folder]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<Exit> {
    observe::init(LogFormat::Plain, LogLevel::Error)?;
    let home = home(args.home)?;
    let sandbox =
        Sandbox::start(dropship_sandbox::Options { speed: SPEED, ..dropship_sandbox::Options::default() })
            .await?;
    let pages = free_address().context("cannot find a free port for the pages")?;
    write_files(&home, sandbox.base_url(), pages)
        .with_context(|| format!("cannot write to {}", home.display()))?;
    output.say(&format!(
        "Started a sandbox of the Hardware dashboard API at {}. Nothing leaves this machine.",
        sandbox.base_url()
    ));

    let config = dropship_config::load(&home.join("dropship.toml"), &Environment::default())?;
    let options = Options { sandbox: true, ..Options::default() };
    let running =
        Loaded::new(config, options).start(ForcedExit::default(), &StartupCancellation::default()).await?;
    output.say(&format!("Started a daemon that watches {}.", home.join("drop").display()));
    output.say(&format!("See it work at http://{pages}/ until the demo ends.\n"));
    // Written under a name that intake ignores, then renamed, so that the package appears complete.
    let drop_folder = home.join("drop");
    std::fs::write(drop_folder.join("echo.cab.part"), PACKAGE)?;
    std::fs::rename(drop_folder.join("echo.cab.part"), drop_folder.join("echo.cab"))?;

    let result = tokio::time::timeout(TIMEOUT, follow(&running, output)).await;
    running.run_until(std::future::ready(())).await;
    sandbox.shutdown().await;
    let receipt = result.map_err(|_| {
        anyhow!("the demo did not end within {} s; its files are in {}", TIMEOUT.as_secs(), home.display())
    })??;
    summary(&home, pages, &receipt, output)?;
    Ok(if receipt.state == StateKind::Succeeded { Exit::Done } else { Exit::Rejected })
}

/// Creates the folder for the files of the demo.
fn home(requested: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let home = match requested {
        Some(home) => std::path::absolute(home)?,
        None => {
            let suffix = getrandom::u32().unwrap_or_default();
            std::env::temp_dir().join(format!("dropship-demo-{suffix:08x}"))
        }
    };
    std::fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    if std::fs::read_dir(&home)?.next().is_some() {
        return Err(anyhow!("{} is not empty; choose an empty folder, or omit --home", home.display()));
    }
    Ok(home)
}

/// A loopback address whose port is free now.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn write_files(home: &Path, endpoint: &str, pages: SocketAddr) -> std::io::Result<()> {
    std::fs::create_dir(home.join("drop"))?;
    std::fs::write(home.join("client-secret"), "demo")?;
    std::fs::write(home.join("root.pem"), ROOT)?;
    std::fs::write(home.join("timestamp-root.pem"), TIMESTAMP_ROOT)?;
    let configuration = CONFIGURATION.replace("@ENDPOINT@", endpoint).replace("@PAGES@", &pages.to_string());
    std::fs::write(home.join("dropship.toml"), configuration)
}

/// Prints the events of the job until it has ended.
async fn follow(running: &Running, output: &Output) -> anyhow::Result<Receipt> {
    let (store, events) = (running.pipeline().store(), running.pipeline().events());
    let mut changes = events.subscribe();
    let mut progress = ProgressPrinter::new(output);
    loop {
        // The store of the demo has one job.
        if let Some(job) = store.jobs(&Filter::default())?.into_iter().next() {
            for entry in store.history(job.id())?.iter().skip(progress.shown_count()) {
                progress.show(entry, &job);
            }
            if job.state().has_ended() {
                progress.finish();
                let mut receipt = Receipt::of(&job, false);
                receipt.sandbox = true;
                return Ok(receipt);
            }
            progress.draw(&job);
        }
        drop(tokio::time::timeout(Duration::from_millis(100), changes.changed()).await);
    }
}

fn summary(home: &Path, pages: SocketAddr, receipt: &Receipt, output: &Output) -> anyhow::Result<()> {
    let config = home.join("dropship.toml");
    let document = json!({ "home": home.display().to_string(), "job": receipt });
    output.print_result(&document, || {
        let mut lines = vec![
            String::new(),
            format!(
                "The job {} in {:.1} s.",
                receipt.state,
                receipt.updated.duration_since(receipt.created).as_secs_f64()
            ),
            format!("  product         {}", or_dash(receipt.product_id)),
            format!("  submission      {}", or_dash(receipt.submission_id)),
        ];
        for label in &receipt.labels {
            lines.push(format!("  label           {} ({})", or_dash(label.id), label.name));
        }
        lines.push(format!("  signed package  {}/signed.zip", receipt.outbox));
        lines.push(format!("  receipt         {}/receipt.json", receipt.outbox));
        lines.extend(receipt.error.iter().map(|error| format!("  error           {}", error.message)));
        lines.push(String::new());
        lines.push("Next:".to_owned());
        let dropship = format!("  dropship --config {}", ShellWord::of(&config));
        let drop = home.join("drop");
        lines.push(format!("{dropship} show {}", receipt.id));
        lines.push(format!("{dropship} plan {}", ShellWord::of(&drop.join("echo.cab"))));
        lines.push(format!(
            "{dropship} run --sandbox   # then drop packages into {}, and see http://{pages}/",
            ShellWord::of(&drop)
        ));
        lines.join("\n")
    })
}
