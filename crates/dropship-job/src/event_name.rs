//! The names of events.

use super::event::Event;

impl Event {
    /// The event's name, as logs and `show` spell it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Arrived { .. } => "arrived",
            Self::Accepted { .. } => "accepted",
            Self::SameBytes { .. } => "same_bytes",
            Self::AfterFailed { .. } => "after_failed",
            Self::AfterDone { .. } => "after_done",
            Self::Rejected { .. } => "rejected",
            Self::Intended { .. } => "intended",
            Self::NotFound { .. } => "not_found",
            Self::Reissued { .. } => "reissued",
            Self::Unproven { .. } => "unproven",
            Self::NotCreated { .. } => "not_created",
            Self::Created { .. } => "created",
            Self::DuplicatesChecked { .. } => "duplicates_checked",
            Self::Uploaded { .. } => "uploaded",
            Self::CommitIntended => "commit_intended",
            Self::Committed => "committed",
            Self::FoundCommitted { .. } => "found_committed",
            Self::Progressed { .. } => "progressed",
            Self::Signed => "signed",
            Self::Collected { .. } => "collected",
            Self::Labelled => "labelled",
            Self::Published { .. } => "published",
            Self::LabelFailed { .. } => "label_failed",
            Self::LabelHeld { .. } => "label_held",
            Self::Idle => "idle",
            Self::Withdrawn { .. } => "withdrawn",
            Self::NotWithdrawn { .. } => "not_withdrawn",
            Self::WithdrawalConfirmed { .. } => "withdrawal_confirmed",
            Self::PublishedAnyway { .. } => "published_anyway",
            Self::Drifted { .. } => "drifted",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Replanned { .. } => "replanned",
            Self::Edited { .. } => "edited",
            Self::TakenOver { .. } => "taken_over",
            Self::Superseded { .. } => "superseded",
            Self::Waited { .. } => "waited",
            Self::Overdue => "overdue",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::Resumed => "resumed",
            Self::Held { .. } => "held",
            Self::Approved { .. } => "approved",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Retried { .. } => "retried",
            Self::Succeeded => "succeeded",
        }
    }
}
