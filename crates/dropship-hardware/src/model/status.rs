//! The workflow status of a submission or a shipping label.

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
        /// Submission: Microsoft reviews it manually.
        ManualReview = "manualReview",
        /// Submission: binaries are signed.
        Signing = "signing",
        /// Submission: the last step; the signed files can be offered some time after it is completed.
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
        /// Label: it is published to Windows Update.
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
        /// Not started.
        NotStarted = "notStarted",
        /// In progress.
        Started = "started",
        /// The workflow ended in failure.
        Failed = "failed",
        /// This step is done; the workflow continues unless it is the last.
        Completed = "completed",
        /// A label is published; not documented, but met by public clients.
        Published = "published",
    }
}

/// Status of a workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowStatus {
    /// The current step; absent in some responses.
    #[serde(deserialize_with = "wire::lenient", skip_serializing_if = "Option::is_none")]
    pub current_step: Option<Step>,
    /// State of that step.
    #[serde(deserialize_with = "wire::lenient", skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Messages of the service, mostly about a failure.
    #[serde(deserialize_with = "wire::messages")]
    pub messages: Vec<String>,
    /// A text with the details of a failure.
    #[serde(with = "wire::opt_url", skip_serializing_if = "Option::is_none")]
    pub error_report: Option<SafeUrl>,
    /// Fields without a documented name.
    #[serde(flatten)]
    pub other: Unknown,
}

impl WorkflowStatus {
    /// Whether the current step is this one, in this state.
    #[must_use]
    pub fn is(&self, step: &Step, state: &State) -> bool {
        self.current_step.as_ref() == Some(step) && self.state.as_ref() == Some(state)
    }

    /// Whether the step is a number. Microsoft's own client expects that; which step a number means is not documented, so it
    /// must not be guessed.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        matches!(&self.current_step, Some(Step::Other(text)) if digits(text))
    }

    /// Whether the workflow has failed, in any step or without one. A label that was cancelled shows this too.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.state == Some(State::Failed)
    }
}
