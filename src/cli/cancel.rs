//! `dropship cancel`: ends a job.

use std::path::Path;

use super::exit::Exit;
use super::job_action::{ActionRequest, apply};
use super::job_selection::JobSelection;
use super::output::Output;
use dropship_engine::operations::JobAction;
use dropship_job::StateKind;

/// End jobs permanently and withdraw their unpublished labels
///
/// Prints each label that is not withdrawn yet. dropship withdraws it as soon as Microsoft allows it, also after a restart.
/// Filters without `--state` find jobs that have not ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship cancel 1m8hbq3c7xk2sd
  dropship cancel --folder audio --package 'echo-*.cab' --since 2h

Exit codes:
  0   cancelled
  1   a job has succeeded, or was cancelled before
  64  no folder or rule has this name
  77  not permitted")]
pub(super) struct Args {
    #[command(flatten)]
    selection: JobSelection,
}

pub(super) async fn run(args: &Args, config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let request = ActionRequest {
        verb: "cancel",
        states: &[StateKind::Queued, StateKind::Running, StateKind::Waiting, StateKind::Held],
        named_action: JobAction::Cancel,
        actions_of_found: &|_| Ok(vec![JobAction::Cancel]),
    };
    apply(&args.selection, &request, config, output).await
}
