//! `dropship cancel`: ends a job.

use std::path::Path;

use super::exit::Exit;
use super::job_action::apply;
use super::output::Output;
use crate::control::JobAction;
use dropship_job::JobId;

/// End a job permanently and withdraw its unpublished labels
///
/// Prints each label that is not withdrawn yet. dropship withdraws it as soon as Microsoft allows it, also after a restart.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0   cancelled
  1   the job has ended already
  77  not permitted")]
pub(super) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    apply(&args.job, &JobAction::Cancel, config, output).await
}
