//! Waits until the daemon has a job for the content of a file, and explains why it has none.

use std::path::PathBuf;

use anyhow::Context;

use super::exit::{Exit, ExitError};
use super::wait_job::CommandWait;
use dropship_engine::admission::FileStanding;
use dropship_engine::digest;
use dropship_engine::outbox::Receipt;
use dropship_job::{JobId, StateKind};
use dropship_redact::Escaped;

/// The job of a file. A package that was dropped again is inspected again, so its earlier rejection is no answer.
pub(super) async fn wait_for_job_of_file(wait: &CommandWait<'_>, file: PathBuf) -> anyhow::Result<JobId> {
    let path = file.clone();
    let hashing = tokio::task::spawn_blocking(move || digest::of_file(&path));
    let sha256 = hashing
        .await?
        .with_context(|| format!("{} is neither the id of a job nor a readable file", file.display()))?;
    let path = std::fs::canonicalize(&file)?;
    let mut printed_reason = None;
    loop {
        let asking = async {
            // First the file: what was decided since has a job.
            let standing = wait.ask(|| wait.daemon.file(&path)).await?;
            let jobs = wait.ask(|| wait.daemon.find(&sha256)).await?;
            anyhow::Ok((standing, jobs))
        };
        let answer = if printed_reason.is_none() {
            wait.first_answer(asking).await
        } else {
            wait.in_time(asking).await
        };
        let Some(answers) = answer else {
            return Err(timed_out(&file, printed_reason));
        };
        let (standing, jobs) = answers?;
        if let Some(job) = standing.job {
            return Ok(job);
        }
        match newest(jobs, &standing) {
            Some(job) if !(standing.is_awaited && is_evaluated_again(&job)) => return Ok(job.id),
            _ if printed_reason.as_ref() != Some(&standing.why) => {
                wait.output.note(&Escaped(&standing.why).to_string());
                printed_reason = Some(standing.why);
            }
            _ => {}
        }
        if wait.in_time(wait.pause()).await.is_none() {
            return Err(timed_out(&file, printed_reason));
        }
    }
}

/// The newest job of the folder that contains the file; of any folder, if no folder contains it. A job that was submitted directly is
/// the answer only if the folder has none, and will have none.
fn newest(jobs: Vec<Receipt>, standing: &FileStanding) -> Option<Receipt> {
    let (mut candidates, others): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| standing.folder.is_none() || job.folder == standing.folder);
    if candidates.is_empty() && !standing.is_awaited {
        candidates = others.into_iter().filter(|job| job.folder.is_none()).collect();
    }
    candidates.into_iter().max_by(|one, other| one.id.cmp(&other.id))
}

/// Whether bytes with this job are evaluated again when they are dropped again.
fn is_evaluated_again(job: &Receipt) -> bool {
    matches!(job.state, StateKind::Rejected | StateKind::Cancelled)
}

fn timed_out(file: &std::path::Path, why: Option<String>) -> anyhow::Error {
    let file = file.display();
    let message = match why {
        Some(why) => format!("timed out: {file} has no job; {why}"),
        None => format!("timed out before it was known whether {file} has a job"),
    };
    ExitError(Exit::TimedOut, message).into()
}
