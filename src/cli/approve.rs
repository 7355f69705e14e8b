//! `dropship approve`: releases a held job.

use std::path::Path;

use super::exit::Exit;
use super::job_action::apply;
use super::output::Output;
use crate::control::{Approval, JobAction};
use dropship_job::JobId;

/// Release a held job, or a label of it
///
/// `dropship show JOB` prints why the job is held, and the digest of each request that waits. Once a label of the job was
/// approved, the next approval has to name its label or request.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship approve 1m8hbq3c7xk2sd
  dropship approve 1m8hbq3c7xk2sd --label 'echo 1.2 retail' --note 'change 4711'

Exit codes:
  0   released
  1   the job is not held, or is held for another request
  77  not permitted")]
pub(super) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Approve the label with this name
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    /// Approve only the request with this digest, as printed by `dropship show`
    #[arg(long, value_name = "DIGEST")]
    request: Option<String>,
    /// A note for the history of the job
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let Args { job, label, request, note } = args;
    let approval = Approval { label: label.clone(), request: request.clone(), note: note.clone() };
    apply(job, &JobAction::Approve(approval), config, output).await
}
