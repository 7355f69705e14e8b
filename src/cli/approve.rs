//! `dropship approve`: releases a held job.

use std::path::Path;

use super::exit::Exit;
use super::job_action::apply;
use super::output::Output;
use crate::control::JobAction;
use dropship_job::JobId;

/// Release a held job
///
/// `dropship show JOB` prints why the job is held.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship approve 1m8hbq3c7xk2sd

Exit codes:
  0   released
  1   the job is not held, or is held for another request
  77  not permitted")]
pub(super) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Approve only the request with this digest, as printed by `dropship show`
    #[arg(long, value_name = "DIGEST")]
    request: Option<String>,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    apply(&args.job, &JobAction::Approve { request: args.request.clone() }, config, output).await
}
