//! `dropship retry`: resumes a failed job, or inspects a rejected package again.

use std::path::Path;

use super::exit::Exit;
use super::job_action::{ActionRequest, apply};
use super::job_selection::JobSelection;
use super::output::Output;
use dropship_engine::operations::JobAction;
use dropship_job::StateKind;

/// Resume a failed job at its step, or inspect a rejected package again
///
/// If the job has a product, its labels that do not exist yet are planned again by the current rules, and the differences to the old
/// plan are printed. Labels that Microsoft refused, that were withdrawn, or that are not published any more, are requested again. With
/// `--new-product`, the job keeps its plan.
///
/// Three other jobs can be retried too: a cancelled job, a job that is held at a label, and a job that has succeeded and has a label
/// that is not published any more. Filters without `--state` find failed and rejected jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship retry 1m8hbq3c7xk2sd
  dropship retry 1m8hbq3c7xk2sd --new-product
  dropship retry --state failed --since 1d

Exit codes:
  0   resumed, or inspected again
  1   the state of a job does not permit a retry, or its labels cannot be planned again
  64  no folder or rule has this name
  77  not permitted")]
pub(super) struct Args {
    #[command(flatten)]
    selection: JobSelection,
    /// Create another product: required when Microsoft has refused the submission of the current product
    #[arg(long)]
    new_product: bool,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let retry = JobAction::Retry { new_product: args.new_product };
    let request = ActionRequest {
        verb: "retry",
        states: &[StateKind::Failed, StateKind::Rejected],
        named_action: retry.clone(),
        actions_of_found: &|_| Ok(vec![retry.clone()]),
    };
    apply(&args.selection, &request, config, output).await
}
