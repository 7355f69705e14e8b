//! Interpretation of the workflow and commit status that the service returns.

use dropship_hardware::{CommitStatus, Submission, WorkflowStatus};

/// The name of a step that a response does not name.
const UNNAMED_STEP: &str = "unnamed step";

/// Step and state in the words of the service; `None` when the response names neither.
pub(super) fn progress(status: Option<&WorkflowStatus>) -> Option<(String, String)> {
    let status = status.filter(|status| status.current_step.is_some() || status.state.is_some())?;
    let step = status.current_step.as_ref().map_or(UNNAMED_STEP, |step| step.as_str()).to_owned();
    let state = status.state.as_ref().map_or("", |state| state.as_str()).to_owned();
    Some((step, state))
}

/// Whether the commit took effect, also when the submission failed after it.
pub(super) fn is_past_pending(submission: &Submission) -> bool {
    submission.is_committed() || submission.is_failed()
}

/// Whether the service waits for the commit.
pub(super) fn is_pending(submission: &Submission) -> bool {
    submission.commit_status == Some(CommitStatus::Pending) && !submission.is_signed()
}
