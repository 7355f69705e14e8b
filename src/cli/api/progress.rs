//! The progress of a submission in one word, and the text of an error report.

use serde::Serialize;
use serde_json::{Value, json};

use super::session::ApiSession;
use super::shape;
use dropship_hardware::{MAX_ERROR_REPORT, Submission, WorkflowStatus};
use dropship_redact::mask;

/// Maximum size of an error report that is shown, in bytes.
const MAX_REPORT: u64 = 1 << 20;

/// The progress of a submission, independent of the names of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum SubmissionProgress {
    /// Not committed.
    Created,
    /// Committed, not signed yet.
    Processing,
    /// The signed package is offered.
    Completed,
    /// Rejected.
    Failed,
}

impl SubmissionProgress {
    fn of(submission: &Submission) -> Self {
        if submission.is_failed() {
            Self::Failed
        } else if submission.is_signed() {
            Self::Completed
        } else if submission.is_committed() {
            Self::Processing
        } else {
            Self::Created
        }
    }
}

/// A submission as a document: the API's object, with its progress and the text of its error report.
pub(super) async fn submission_document(
    submission: &Submission,
    session: &ApiSession<'_>,
) -> anyhow::Result<Value> {
    let mut document = shape::json(submission)?;
    document["progress"] = json!(SubmissionProgress::of(submission));
    add_report(&mut document, submission.workflow_status.as_ref(), session).await;
    Ok(document)
}

/// Adds the text of an error report to a document.
pub(super) async fn add_report(
    document: &mut Value,
    status: Option<&WorkflowStatus>,
    session: &ApiSession<'_>,
) {
    if !status.is_some_and(WorkflowStatus::failed) {
        return;
    }
    match read_report(status, session).await {
        Ok(text) => document["errorReportText"] = json!(text),
        Err(error) => session.output.error(&format!("cannot download the error report: {error:#}")),
    }
}

/// The text of an error report; `None` if the service offers none.
async fn read_report(
    status: Option<&WorkflowStatus>,
    session: &ApiSession<'_>,
) -> anyhow::Result<Option<String>> {
    let Some(url) = status.and_then(|status| status.error_report.as_ref()) else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("error-report.txt");
    session.client()?.download_within(url, &file, MAX_ERROR_REPORT, &|_| {}).await?;
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(&file)?, MAX_REPORT), &mut text)?;
    Ok(Some(mask(String::from_utf8_lossy(&text).trim_start_matches('\u{feff}'))))
}

/// Step and state of a workflow, for people.
pub(super) fn step_and_state(status: Option<&WorkflowStatus>) -> String {
    let Some(status) = status else { return "no progress is reported yet".to_owned() };
    let step = status.current_step.as_ref().map_or("no step", |step| step.as_str());
    let state = status.state.as_ref().map_or("no state", |state| state.as_str());
    format!("{step}, {state}")
}

/// The reasons of a failure, for people.
pub(super) fn reasons(status: Option<&WorkflowStatus>) -> String {
    let messages = status.map(|status| status.messages.as_slice()).unwrap_or_default();
    if messages.is_empty() {
        format!("{}; the service gives no reason", step_and_state(status))
    } else {
        messages.join("; ")
    }
}
