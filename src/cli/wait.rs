//! `dropship wait`: blocks until a job is signed or published.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::backend;
use super::exit::{Exit, ExitError};
use super::output::Output;
use crate::control::Client;
use crate::digest;
use crate::observe::Escaped;
use crate::outbox::{Receipt, SIGNED};
use dropship_job::{JobId, StateKind, Step};
use dropship_rules::duration;

/// Interval between requests to the daemon.
const POLL: Duration = Duration::from_millis(500);

/// Block until a job is signed or published, or ends
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship wait build/echo.cab --for signed --timeout 2h

Exit codes:
  0   the job reached that state
  65  it failed, was rejected or cancelled before
  69  no daemon is running
  75  timed out")]
pub(super) struct Args {
    /// Id of a job, or a package file: its job is found by the content of the file, once the daemon has accepted it
    #[arg(value_name = "JOB|FILE")]
    target: String,
    /// State to wait for
    #[arg(long = "for", value_enum, default_value_t = For::Published)]
    until: For,
    /// Give up after this time, such as 30m or 2h [default: wait without limit]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// The state to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum For {
    /// The signed package is in the outbox
    Signed,
    /// All labels are published
    Published,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = backend::connect(config).await?;
    let search = async {
        match args.target.parse::<JobId>() {
            Ok(id) if !Path::new(&args.target).exists() => Ok(id),
            _ => of_file(&daemon, Path::new(&args.target)).await,
        }
    };
    let started = tokio::time::Instant::now();
    let id = match args.timeout {
        None => search.await?,
        Some(timeout) => match tokio::time::timeout(timeout, search).await {
            Ok(id) => id?,
            Err(_) => return Err(timed_out(&args.target, "was not accepted")),
        },
    };
    let left = args.timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
    for_job(&daemon, &id, args.until, left, output).await
}

/// Waits until the daemon has a job for the content of a file.
async fn of_file(daemon: &Client, file: &Path) -> anyhow::Result<JobId> {
    let path = PathBuf::from(file);
    let hashing = tokio::task::spawn_blocking(move || digest::of_file(&path));
    let sha256 = hashing
        .await?
        .with_context(|| format!("{} is neither the id of a job nor a readable file", file.display()))?;
    loop {
        let mut jobs = daemon.find(&sha256).await?;
        jobs.sort_by(|one, other| one.id.cmp(&other.id));
        if let Some(job) = jobs.pop() {
            return Ok(job.id);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until a job reaches a state or ends.
pub(super) async fn for_job(
    daemon: &Client,
    id: &JobId,
    until: For,
    timeout: Option<Duration>,
    output: &Output,
) -> anyhow::Result<Exit> {
    let reached = async {
        loop {
            let job = daemon.show(id).await?;
            if let Some(exit) = reached(&job, until) {
                return anyhow::Ok((job, exit));
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let (job, exit) = match timeout {
        None => reached.await?,
        Some(timeout) => match tokio::time::timeout(timeout, reached).await {
            Ok(reached) => reached?,
            Err(_) => return Err(timed_out(id.as_str(), "did not reach that state")),
        },
    };
    output.give(&job, || {
        let why =
            job.error.as_ref().map(|error| format!(": {}", Escaped(&error.message))).unwrap_or_default();
        format!("{}: {}, {}{why}\n{}", job.id, job.step, job.state, job.outbox)
    })?;
    Ok(exit)
}

fn reached(job: &Receipt, until: For) -> Option<Exit> {
    let signed = job.files.iter().any(|file| file.name == SIGNED) || job.step == Step::Publish;
    match job.state {
        StateKind::Succeeded => Some(Exit::Done),
        _ if until == For::Signed && signed => Some(Exit::Done),
        state if state.has_ended() => Some(Exit::Rejected),
        _ => None,
    }
}

fn timed_out(target: &str, how: &str) -> anyhow::Error {
    ExitError(Exit::TimedOut, format!("{target} {how} in time")).into()
}
