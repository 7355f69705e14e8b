//! `dropship retry`: resumes a failed job, or inspects a rejected package again.

use std::path::Path;

use super::exit::Exit;
use super::job_action::apply;
use super::output::Output;
use crate::control::JobAction;
use dropship_job::JobId;

/// Resume a failed job at its step, or inspect a rejected package again
///
/// Labels that do not exist yet are planned by the rules in force; the differences to the old plan are printed. Labels that
/// Microsoft refused, or that were withdrawn, are requested again. A job that is held at a label can be retried too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship retry 1m8hbq3c7xk2sd
  dropship retry 1m8hbq3c7xk2sd --new-product

Exit codes:
  0   resumed
  1   the state of the job does not permit it
  77  not permitted")]
pub(super) struct Args {
    /// Id of the job
    #[arg(value_name = "JOB")]
    job: JobId,
    /// Create another product: required when Microsoft has refused the submission of the current product
    #[arg(long)]
    new_product: bool,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    apply(&args.job, &JobAction::Retry { new_product: args.new_product }, config, output).await
}
