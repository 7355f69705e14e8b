//! `dropship demo`: the whole way of a package with nothing but this binary.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::json;

use super::exit::Exit;
use super::output::Output;
use super::progress::Progress;
use crate::app::{Loaded, Options, Running};
use crate::config::{self, Environment};
use crate::observe::{self, Form};
use crate::outbox::Receipt;
use crate::store::Filter;
use dropship_job::StateKind;
use dropship_sandbox::{self, Sandbox};

/// A signed CAB, the root that its certificate ends at, and the configuration; that root is trusted here alone.
const PACKAGE: &[u8] = include_bytes!("demo/echo.cab");
const ROOT: &[u8] = include_bytes!("demo/root.pem");
const TIMESTAMP_ROOT: &[u8] = include_bytes!("demo/timestamp-root.pem");
const CONFIGURATION: &str = include_str!("demo/dropship.toml");

/// At this speed a signature takes a second and a label six.
const SPEED: f64 = 600.0;

/// Longer than this it never takes, unless something is wrong.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder for the demo's files, which must be empty; by default a new temporary one
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

pub(super) async fn run(args: Args, output: &Output) -> anyhow::Result<Exit> {
    observe::init(Form::Plain, "error")?;
    let home = home(args.home)?;
    let sandbox =
        Sandbox::start(dropship_sandbox::Options { speed: SPEED, ..dropship_sandbox::Options::default() })
            .await?;
    furnish(&home, sandbox.base_url()).with_context(|| format!("cannot write to {}", home.display()))?;
    output.say(&format!(
        "A sandbox stands in for Microsoft at {}; nothing leaves this machine.",
        sandbox.base_url()
    ));

    let config = config::load(&home.join("dropship.toml"), &Environment::default())?;
    let running = Loaded::new(config, Options { sandbox: true, ..Options::default() }).start().await?;
    output.say(&format!("A daemon watches {}.\n", home.join("drop").display()));
    // Under a name that is not looked at, then renamed: as a careful build server does it.
    let drop_folder = home.join("drop");
    std::fs::write(drop_folder.join("echo.cab.part"), PACKAGE)?;
    std::fs::rename(drop_folder.join("echo.cab.part"), drop_folder.join("echo.cab"))?;

    let followed = tokio::time::timeout(TOO_LONG, follow(&running, output)).await;
    let ended = running.until(std::future::ready(())).await;
    sandbox.shutdown().await;
    let receipt = followed.map_err(|_| {
        anyhow!("the demo took longer than {} s; see {}", TOO_LONG.as_secs(), home.display())
    })??;
    tracing::debug!("the daemon ended: {ended:?}");
    summary(&home, &receipt, output)?;
    Ok(if receipt.state == StateKind::Succeeded { Exit::Done } else { Exit::Rejected })
}

/// A folder of the demo's own.
fn home(asked: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let home = match asked {
        Some(home) => std::path::absolute(home)?,
        None => {
            let chance = getrandom::u32().unwrap_or_default();
            std::env::temp_dir().join(format!("dropship-demo-{chance:08x}"))
        }
    };
    std::fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    if std::fs::read_dir(&home)?.next().is_some() {
        return Err(anyhow!("{} is not empty; name a folder that is, or none", home.display()));
    }
    Ok(home)
}

fn furnish(home: &Path, endpoint: &str) -> std::io::Result<()> {
    std::fs::create_dir(home.join("drop"))?;
    std::fs::write(home.join("client-secret"), "demo")?;
    std::fs::write(home.join("root.pem"), ROOT)?;
    std::fs::write(home.join("timestamp-root.pem"), TIMESTAMP_ROOT)?;
    std::fs::write(home.join("dropship.toml"), CONFIGURATION.replace("@ENDPOINT@", endpoint))
}

/// Shows what happens until the job has ended.
async fn follow(running: &Running, output: &Output) -> anyhow::Result<Receipt> {
    let context = running.context();
    let mut news = context.news.subscribe();
    let mut progress = Progress::new(output);
    loop {
        // The demo has one job.
        if let Some(job) = context.store.jobs(&Filter::default())?.into_iter().next() {
            for told in context.store.story(&job.id)?.iter().skip(progress.told()) {
                progress.tell(told, &job);
            }
            if job.state.has_ended() {
                progress.end();
                let mut receipt = Receipt::of(&job, false);
                receipt.sandbox = true;
                return Ok(receipt);
            }
            progress.stand(&job);
        }
        drop(tokio::time::timeout(Duration::from_millis(100), news.changed()).await);
    }
}

fn summary(home: &Path, receipt: &Receipt, output: &Output) -> anyhow::Result<()> {
    let config = home.join("dropship.toml");
    let document = json!({ "home": home.display().to_string(), "job": receipt });
    output.give(&document, || {
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let mut lines = vec![
            String::new(),
            format!(
                "The package {} in {:.1} s:",
                receipt.state,
                receipt.updated.duration_since(receipt.created).as_secs_f64()
            ),
            format!("  product         {}", or(&receipt.product_id)),
            format!("  submission      {}", or(&receipt.submission_id)),
        ];
        for label in &receipt.labels {
            lines.push(format!("  label           {} ({})", or(&label.id), label.name));
        }
        lines.push(format!("  signed package  {}/signed.zip", receipt.outbox));
        lines.push(format!("  receipt         {}/receipt.json", receipt.outbox));
        lines.extend(receipt.error.iter().map(|error| format!("  error           {}", error.message)));
        lines.push(String::new());
        lines.push("Look further:".to_owned());
        lines.push(format!("  dropship --config {} show {}", config.display(), receipt.id));
        lines.push(format!("  dropship --config {} plan {}/drop/echo.cab", config.display(), home.display()));
        lines.push(format!(
            "  dropship --config {} run --sandbox    # then drop packages into {}/drop",
            config.display(),
            home.display()
        ));
        lines.join("\n")
    })
}
