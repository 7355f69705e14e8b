//! `dropship run`: runs the daemon.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::exit::{Exit, ExitError};
use super::failure;
use super::output::Output;
use crate::daemon::{self, Loaded, Options, Shutdown, Signal, Signals, StartupCancellation};
use crate::requirements;
use dropship_config::{Config, Environment};
use dropship_engine::observe::{self, LogFormat, LogLevel};
use dropship_sandbox::{self, Sandbox};
use dropship_store::StoreError;

/// Run the daemon: watch the folders and process what is dropped there
///
/// SIGTERM and SIGINT end the daemon after the current requests; a second signal ends it within 10 s. SIGHUP reloads the
/// configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship --config dropship.toml run --sandbox
  dropship run --until-idle

Exit codes:
  0   stopped by a signal, or idle
  1   the daemon failed for a reason that may pass, such as a store that cannot be written
  78  `dropship check` reports an error")]
pub(super) struct Args {
    /// Exit when no file waits to be accepted, and no job is queued, running or due within one minute
    #[arg(long)]
    until_idle: bool,
    /// Use a built-in sandbox: nothing is sent to Microsoft, and no dropped file is moved or deleted
    #[arg(long)]
    sandbox: bool,
    /// Speed of the sandbox, as a multiple of the real service
    #[arg(long, default_value_t = 60.0, requires = "sandbox", value_name = "N")]
    speed: f64,
    /// Format of the log
    #[arg(long, value_enum, default_value_t = LogFormat::Auto, value_name = "FORMAT")]
    log: LogFormat,
    /// Lowest level to log; `dropship log-level` changes it later
    #[arg(long, value_enum, default_value_t = LogLevel::Info, env = "DROPSHIP_LOG", value_name = "LEVEL")]
    log_level: LogLevel,
}

/// Advice after exit code 78 of the unit.
const AFTER_CORRECTION: &str = "systemd does not restart the unit after this error; correct it (`dropship check` reports the same), then \
     `systemctl restart dropship`. If systemd refuses the start because of earlier ones (start-limit-hit), run \
     `systemctl reset-failed dropship` first";

/// Why SIGHUP has no effect before the daemon processes jobs.
const NOT_STARTED: &str = "the daemon is still starting, or its node stands by and reads its configuration when it starts: to apply \
     a change, send the signal again after the start, or restart a node that stands by";

pub(super) async fn run(args: Args, path: &Path, output: &Output) -> anyhow::Result<Exit> {
    let result = serve(args, path).await;
    match result {
        Err(error) if Exit::of(&error) == Exit::Configuration && dropship_systemd::is_unit() => {
            let exit = failure::report(&error, output);
            output.note(AFTER_CORRECTION);
            Ok(exit)
        }
        result => result,
    }
}

async fn serve(args: Args, path: &Path) -> anyhow::Result<Exit> {
    forbid_dumps();
    daemon::configure_heap();
    observe::init(args.log, args.log_level)?;
    let mut config = load(path, args.sandbox)?;
    for warning in &config.warnings.problems {
        let (file, line) = (warning.file.display(), warning.line);
        tracing::warn!(event = "configuration", "{file}:{line}: {}", warning.message);
    }
    let built_in_sandbox = if args.sandbox {
        let options = dropship_sandbox::Options { speed: args.speed, ..dropship_sandbox::Options::default() };
        let built_in_sandbox = Sandbox::start(options).await?;
        point_at(&mut config, built_in_sandbox.base_url())?;
        Some(built_in_sandbox)
    } else {
        None
    };
    let mut signals = Signals::listen()?;
    let options = Options { until_idle: args.until_idle, sandbox: args.sandbox };
    let is_shared = config.store.database.is_some();
    let cancellation = StartupCancellation::default();
    let mut starting = pin!(Loaded::new(config, options).start(signals.forced_exit(), &cancellation));
    let running = loop {
        tokio::select! {
            running = &mut starting => break running.map_err(as_configuration_error)?,
            signal = signals.next() => match signal {
                Signal::Reload => observe::reload_refused("SIGHUP", NOT_STARTED),
                // Safe: no call was sent yet, and the store can be interrupted at any time.
                Signal::Stop => {
                    cancellation.cancel();
                    observe::stopped_while_starting();
                    return Ok(Exit::Done);
                }
            }
        }
    };
    let (reloader, stop) = (running.reloader(), CancellationToken::new());
    let mut ending = pin!(running.run_until(stop.clone().cancelled_owned()));
    let shutdown = loop {
        tokio::select! {
            shutdown = &mut ending => break shutdown,
            signal = signals.next() => match signal {
                // The daemon logs the result.
                Signal::Reload => {
                    let reloader = Arc::clone(&reloader);
                    tokio::spawn(async move { drop(reloader.reload("SIGHUP").await) });
                }
                Signal::Stop if !stop.is_cancelled() => stop.cancel(),
                // Safe at any time: the next start checks the effects of interrupted calls by their recorded intents.
                Signal::Stop => {
                    observe::stopped_at_once();
                    break Shutdown::Clean;
                }
            }
        }
    };
    if let Some(built_in_sandbox) = built_in_sandbox {
        built_in_sandbox.shutdown().await;
    }
    match shutdown {
        Shutdown::Clean => Ok(Exit::Done),
        Shutdown::StoreFailed(why) => {
            let message = format!("the store failed: {why}; {}", advice(is_shared));
            observe::store_failed(&message);
            Err(ExitError(Exit::Failed, message).into())
        }
    }
}

/// What is guaranteed after a failure of the store, and what to do.
fn advice(is_shared: bool) -> &'static str {
    match is_shared {
        false => "all acknowledged changes are durable; fix the cause, then start the daemon again",
        // A database can lose what it has acknowledged, so nothing is promised for it.
        true => {
            "start the daemon again: it builds its tables from the database, and compares them with the receipts"
        }
    }
}

/// Reads the configuration. Everything in it and in its surroundings that keeps the daemon from starting is reported at once.
fn load(path: &Path, sandbox: bool) -> anyhow::Result<Config> {
    let environment = Environment::from_variables(|name| std::env::var_os(name)).with_passed_dates();
    let (config, mut report) = dropship_config::examine(path, &environment);
    if let Some(config) = &config {
        // After an error, a table may seem to be missing because it could not be used.
        if !sandbox && report.errors() == 0 {
            report
                .problems
                .extend(config.ready_to_run().err().into_iter().flat_map(|report| report.problems));
        }
        report.problems.extend(requirements::check_start(config, sandbox, requirements::Secrets::All));
        report.problems.extend(requirements::check_store_access(config));
        report.problems.extend(requirements::check_socket(config));
        report.problems.extend(requirements::check_socket_is_free(config, sandbox));
    }
    match config {
        Some(config) if report.errors() == 0 => Ok(config),
        _ => Err(report.into()),
    }
}

/// The error of a start with the exit code for an error of the configuration, if `check` reports the same: a store that is damaged or of
/// another version, or a permission that is missing. A restart cannot help then.
fn as_configuration_error(error: anyhow::Error) -> anyhow::Error {
    let remedy = error.downcast_ref::<StoreError>().and_then(requirements::remedy);
    let message = match (remedy, Exit::of(&error)) {
        (Some(remedy), Exit::Failed | Exit::NotPermitted) => format!("[store]: {error:#}; {remedy}"),
        (None, Exit::NotPermitted) => format!("{error:#}"),
        _ => return error,
    };
    ExitError(Exit::Configuration, message).into()
}

/// Keeps other processes of this user from reading the memory and the environment, which contain tokens, and the kernel from
/// writing core files. Commands that the daemon starts are not affected.
fn forbid_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Fails only for an unknown value.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// Changes a configuration to use a sandbox, with its own store and outbox.
pub(super) fn point_at(config: &mut Config, base: &str) -> anyhow::Result<()> {
    config.api.endpoint = base.parse()?;
    config.api.authority = base.parse()?;
    let sandbox_store = config.store.path.join("sandbox");
    if sandbox_store.exists() {
        // A new sandbox does not have the products that the store of an earlier one refers to.
        std::fs::remove_dir_all(&sandbox_store)?;
    }
    config.store.path = sandbox_store;
    config.without_nodes();
    config.store.database = None;
    Ok(())
}
