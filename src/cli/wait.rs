//! `dropship wait`: block until a job is far enough, for a build script.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::exit::{Ending, Exit};
use super::output::Output;
use super::place::Place;
use crate::control::Client;
use crate::digest;
use crate::observe::Shown;
use crate::outbox::{Receipt, SIGNED};
use dropship_job::{JobId, StateKind, Step};
use dropship_rules::duration;

/// How often the daemon is asked.
const EACH: Duration = Duration::from_millis(500);

/// Arguments of `wait`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship wait build/echo.cab --for signed --timeout 2h
Exit codes: 0 it is that far, 65 it was rejected, failed or was cancelled before, 69 no daemon answers, 75 the time ran out")]
pub(super) struct Args {
    /// The job, or a package: it is found by its bytes, and waited for until it is taken
    #[arg(value_name = "JOB|FILE")]
    what: String,
    /// How far
    #[arg(long = "for", value_enum, default_value_t = For::Published)]
    until: For,
    /// At most so long, such as `2h`
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// How far a job has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum For {
    /// The signed package lies in the outbox
    Signed,
    /// All labels are published
    Published,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let daemon = Place::daemon(config).await?;
    let search = async {
        match args.what.parse::<JobId>() {
            Ok(id) if !Path::new(&args.what).exists() => Ok(id),
            _ => of_file(&daemon, Path::new(&args.what)).await,
        }
    };
    let started = tokio::time::Instant::now();
    let id = match args.timeout {
        None => search.await?,
        Some(timeout) => match tokio::time::timeout(timeout, search).await {
            Ok(id) => id?,
            Err(_) => return Err(too_long(&args.what, "was not taken")),
        },
    };
    let left = args.timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
    for_job(&daemon, &id, args.until, left, output).await
}

/// Waits until the daemon has taken the bytes of a file.
async fn of_file(daemon: &Client, file: &Path) -> anyhow::Result<JobId> {
    let path = PathBuf::from(file);
    let hashing = tokio::task::spawn_blocking(move || digest::of_file(&path));
    let sha256 = hashing
        .await?
        .with_context(|| format!("{} is neither a job nor a file that can be read", file.display()))?;
    loop {
        let mut jobs = daemon.find(&sha256).await?;
        jobs.sort_by(|one, other| one.id.cmp(&other.id));
        if let Some(job) = jobs.pop() {
            return Ok(job.id);
        }
        tokio::time::sleep(EACH).await;
    }
}

/// Waits for a job.
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
            tokio::time::sleep(EACH).await;
        }
    };
    let (job, exit) = match timeout {
        None => reached.await?,
        Some(timeout) => match tokio::time::timeout(timeout, reached).await {
            Ok(reached) => reached?,
            Err(_) => return Err(too_long(id.as_str(), "is not that far")),
        },
    };
    output.give(&job, || {
        let why = job.error.as_ref().map(|error| format!(": {}", Shown(&error.message))).unwrap_or_default();
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

fn too_long(what: &str, how: &str) -> anyhow::Error {
    Ending(Exit::TimedOut, format!("{what} {how} within the time given")).into()
}
