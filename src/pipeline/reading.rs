//! What the service's answers mean for a job.

use dropship_hardware::{CommitStatus, Submission, WorkflowStatus};

/// The service's own words for how far something is: step and state.
pub(super) fn progress(status: Option<&WorkflowStatus>) -> Option<(String, String)> {
    let status = status?;
    let step = status.current_step.as_ref()?.as_str().to_owned();
    let state = status.state.as_ref().map_or("", |state| state.as_str()).to_owned();
    Some((step, state))
}

/// The commit is known to have arrived: also when what came of it is a failure.
pub(super) fn is_past_pending(submission: &Submission) -> bool {
    submission.is_committed() || submission.is_failed()
}

/// The service says that it waits for the commit.
pub(super) fn is_pending(submission: &Submission) -> bool {
    submission.commit_status == Some(CommitStatus::Pending) && !submission.is_signed()
}
