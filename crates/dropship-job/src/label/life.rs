//! The life of a label, from the plan to its end.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::withdrawal::Withdrawal;
use crate::RemoteId;
use crate::remote::Intent;

/// The progress of a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "life", rename_all = "snake_case")]
pub enum LabelLife {
    /// Not requested yet, or known not to exist.
    Planned,
    /// It does not exist, and the rules in force no longer ask for it.
    Dropped,
    /// The request may have been sent, and may still take effect.
    Intended(Intent),
    /// It exists at the service.
    Exists(RemoteLabel),
}

/// A label at the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteLabel {
    /// Its id.
    pub id: RemoteId,
    /// The go-live date of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_live: Option<Timestamp>,
    /// When the service had accepted its request; unknown for a label that was recovered without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Timestamp>,
    /// The service's step, at the last poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The service's state of that step, at the last poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its stage.
    pub stage: LabelStage,
}

impl RemoteLabel {
    /// A label of which only the id and the go-live date are known.
    #[must_use]
    pub fn new(id: RemoteId, go_live: Option<Timestamp>, stage: LabelStage) -> Self {
        Self { id, go_live, requested: None, step: None, state: None, stage }
    }
}

/// The stage of a label that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum LabelStage {
    /// The service processes it.
    Processing,
    /// It is published.
    Published {
        /// When that was seen.
        at: Timestamp,
        /// When nothing was left to be removed from older labels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded: Option<Timestamp>,
    },
    /// Microsoft failed it, or no longer has it.
    Failed {
        /// Microsoft's reasons.
        reason: String,
        /// An operator has acknowledged it, so the other labels continue.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        acknowledged: bool,
    },
    /// It has to be withdrawn; the service has not agreed yet.
    WithdrawalWanted(Withdrawal),
    /// The service has agreed to withdraw it. It may still be published first.
    Withdrawing(Withdrawal),
    /// It is withdrawn.
    Withdrawn,
    /// It was published and is not any more: withdrawn in Partner Center or by Microsoft, expired or removed.
    Gone,
}

impl LabelStage {
    /// The withdrawal that is not complete yet.
    #[must_use]
    pub fn withdrawal(&self) -> Option<&Withdrawal> {
        match self {
            Self::WithdrawalWanted(withdrawal) | Self::Withdrawing(withdrawal) => Some(withdrawal),
            Self::Processing
            | Self::Published { .. }
            | Self::Failed { .. }
            | Self::Withdrawn
            | Self::Gone => None,
        }
    }

    /// Whether it is withdrawn, or about to be.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        matches!(self, Self::Withdrawn) || self.withdrawal().is_some()
    }

    pub(super) fn status(&self) -> LabelStatus {
        match self {
            Self::Processing => LabelStatus::Processing,
            Self::Published { .. } => LabelStatus::Published,
            Self::Failed { .. } => LabelStatus::Failed,
            Self::WithdrawalWanted(_) => LabelStatus::WithdrawalWanted,
            Self::Withdrawing(_) => LabelStatus::Withdrawing,
            Self::Withdrawn => LabelStatus::Withdrawn,
            Self::Gone => LabelStatus::Gone,
        }
    }
}

/// The status of a label in one word, as commands and receipts show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelStatus {
    /// Not requested yet.
    Planned,
    /// It waits for an operator.
    Held,
    /// The response to its request was lost.
    InDoubt,
    /// The service processes it.
    Processing,
    /// It is published.
    Published,
    /// Microsoft failed it.
    Failed,
    /// It has to be withdrawn; the service has not agreed yet.
    WithdrawalWanted,
    /// The service has agreed to withdraw it.
    Withdrawing,
    /// It is withdrawn.
    Withdrawn,
    /// It was published and is not any more, and dropship did not withdraw it.
    Gone,
    /// The rules in force no longer ask for it.
    Dropped,
}

impl LabelStatus {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Held => "held",
            Self::InDoubt => "in-doubt",
            Self::Processing => "processing",
            Self::Published => "published",
            Self::Failed => "failed",
            Self::WithdrawalWanted => "withdrawal-wanted",
            Self::Withdrawing => "withdrawing",
            Self::Withdrawn => "withdrawn",
            Self::Gone => "gone",
            Self::Dropped => "dropped",
        }
    }

    /// Whether a label with this status is still to be requested, to be published, or to go live (`not_before`) after `now`.
    #[must_use]
    pub fn is_upcoming(self, job_has_ended: bool, not_before: Option<Timestamp>, now: Timestamp) -> bool {
        match self {
            // A job that has ended requests no more labels.
            Self::Planned | Self::Held => !job_has_ended,
            Self::InDoubt | Self::Processing => true,
            Self::Published => not_before.is_some_and(|time| time > now),
            Self::Failed
            | Self::WithdrawalWanted
            | Self::Withdrawing
            | Self::Withdrawn
            | Self::Gone
            | Self::Dropped => false,
        }
    }
}

impl fmt::Display for LabelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
