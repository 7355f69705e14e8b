//! Where a submission or a shipping label stands.

use serde::{Deserialize, Serialize};

use dropship_redact::SafeUrl;

use super::open::open_enum;
use super::{Unknown, wire};

open_enum! {
    /// A step of a workflow, of submissions first, then of labels.
    pub enum Step {
        /// Submission: package metadata and contents are validated.
        PackageInfoValidation = "packageInfoValidation",
        /// Submission: the package is made ready.
        Preparation = "preparation",
        /// Submission: contents are scanned for malware.
        Scanning = "scanning",
        /// Submission: test results are validated.
        Validation = "validation",
        /// Submission: the security catalog is made.
        CatalogCreation = "catalogCreation",
        /// Submission: a person at Microsoft looks at it.
        ManualReview = "manualReview",
        /// Submission: binaries are signed.
        Signing = "signing",
        /// Submission: the last step; completed, the signed files are (nearly) there.
        FinalizeIngestion = "finalizeIngestion",
        /// Label: created.
        Created = "created",
        /// Label: targeting is validated.
        PreProcessShippingLabel = "preProcessShippingLabel",
        /// Label: the next step is chosen.
        FinalizePreProcessing = "finalizePreProcessing",
        /// Label: the submission's end is verified.
        PublishJobValidation = "publishJobValidation",
        /// Label: the update is made.
        UpdateGeneration = "updateGeneration",
        /// Label: flighting and approval.
        MicrosoftApproval = "microsoftApproval",
        /// Label: it goes out to Windows Update.
        Publishing = "publishing",
        /// Label: the last step of publishing.
        FinalizePublishing = "finalizePublishing",
        /// Sharing label: details for the receiver are made.
        ProcessSharing = "processSharing",
        /// Sharing label: sharing ends.
        SharingExpiration = "sharingExpiration",
        /// Sharing label: the last step.
        FinalizeSharing = "finalizeSharing",
    }
}

open_enum! {
    /// State of the current step, of that step only.
    pub enum State {
        /// Waiting to begin.
        NotStarted = "notStarted",
        /// Under way.
        Started = "started",
        /// The workflow ended in failure.
        Failed = "failed",
        /// This step is done; the workflow goes on unless it is the last.
        Completed = "completed",
    }
}

/// Status of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowStatus {
    /// The step that the workflow is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_step: Option<Step>,
    /// State of that step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What the service has to say, mostly about a failure.
    #[serde(deserialize_with = "wire::texts")]
    pub messages: Vec<String>,
    /// A text with the details of a failure.
    #[serde(with = "wire::opt_url", skip_serializing_if = "Option::is_none")]
    pub error_report: Option<SafeUrl>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl WorkflowStatus {
    /// Whether the workflow stands at that step in that state.
    #[must_use]
    pub fn is(&self, step: &Step, state: &State) -> bool {
        self.current_step.as_ref() == Some(step) && self.state.as_ref() == Some(state)
    }

    /// Whether the step is a bare number. Microsoft's own client expects that; which step a number stands for
    /// is not documented, so it must not be guessed.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        matches!(&self.current_step, Some(Step::Other(text)) if digits(text))
    }

    /// Whether the workflow ended in failure, at whatever step. A label that was cancelled shows this too.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.state == Some(State::Failed)
    }
}
