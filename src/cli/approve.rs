//! `dropship approve`: releases a held job.

use std::path::Path;

use super::exit::{Exit, usage};
use super::job_action::{ActionRequest, apply};
use super::job_selection::JobSelection;
use super::output::Output;
use dropship_engine::operations::{Approval, ControlError, ControlErrorKind, JobAction};
use dropship_engine::outbox::{LabelReceipt, Receipt};
use dropship_job::{ErrorKind, StateKind};

/// Release held jobs, or one label of a job
///
/// `dropship show JOB` prints why the job is held, and the digest of each request that waits. Once a label of the job was
/// approved, the next approval has to name its label or request.
///
/// A label with `hold = 2` needs the approvals of two different operators for the same request. If the request changes, both
/// operators have to approve it again.
///
/// For a published label that was withdrawn, has expired or was changed at Microsoft (`label-drift`), the command acknowledges this
/// change.
///
/// With filters, the command approves exactly the requests that it lists, and only those that a rule (`hold`) or a folder (`backlog`) holds.
/// To release a job that is held for another reason, name the job.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship approve 1m8hbq3c7xk2sd
  dropship approve 1m8hbq3c7xk2sd --label 'echo 1.2 retail' --note 'change 4711'
  dropship approve --rule retail --since 1d --note 'release 26.11'

Exit codes:
  0   released, or approved and waiting for another operator
  1   a job is not held, is held for another request, or has to be named
  64  no folder or rule has this name
  77  not permitted")]
pub(super) struct Args {
    #[command(flatten)]
    selection: JobSelection,
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
    let Args { selection, label, request, note } = args;
    if selection.single().is_none() && (label.is_some() || request.is_some()) {
        return Err(usage("`--label` and `--request` need exactly one JOB"));
    }
    let approval =
        Approval { label: label.clone(), request: request.clone(), kind: None, note: note.clone() };
    let request = ActionRequest {
        verb: "approve",
        states: &[StateKind::Held],
        named_action: JobAction::Approve(approval),
        actions_of_found: &|job| approvals(job, note.as_deref()),
    };
    apply(selection, &request, config, output).await
}

/// The approvals of a job that filters found: only those that a rule or folder asks for, each bound to the request that the list of
/// jobs had. Other holds say that something is unusual, so an operator has to read and name the job.
fn approvals(job: &Receipt, note: Option<&str>) -> Result<Vec<JobAction>, ControlError> {
    let approve = |label: Option<&LabelReceipt>| {
        let kind = job.error.as_ref().filter(|_| label.is_none()).map(|fault| fault.kind.clone());
        let (label, request) =
            (label.map(|label| label.name.clone()), label.and_then(|label| label.request.clone()));
        JobAction::Approve(Approval { label, request, kind, note: note.map(str::to_owned) })
    };
    let on_hold: Vec<_> = job.labels.iter().filter(|label| label.hold).collect();
    let faults = on_hold.iter().filter_map(|label| label.error.as_ref()).chain(&job.error);
    for fault in faults {
        if !matches!(fault.kind, ErrorKind::Approval | ErrorKind::Backlog) {
            let message = format!(
                "not approved: job {0} is held for `{1}`; read it with `dropship show {0}`, then `dropship approve {0}`",
                job.id, fault.kind
            );
            return Err(ControlError::new(ControlErrorKind::Illegal, message));
        }
    }
    if let Some(label) = on_hold.iter().find(|label| label.request.is_none()) {
        let message = format!(
            "not approved: label `{1}` of job {0} has no request yet; read it with `dropship show {0}`",
            job.id, label.name
        );
        return Err(ControlError::new(ControlErrorKind::Illegal, message));
    }
    Ok(match on_hold.is_empty() {
        true => vec![approve(None)],
        false => on_hold.into_iter().map(|label| approve(Some(label))).collect(),
    })
}
