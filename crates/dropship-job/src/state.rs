//! The state of a job, with the data of each state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::hold_reason::HoldFault;
use super::state_kind::StateKind;
use super::wait_reason::WaitReason;

/// The durable state of a job. Only the daemon knows that a worker processes it at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum State {
    /// A worker can take it now.
    Queued,
    /// It continues at `due`.
    Waiting {
        /// When it continues.
        due: Timestamp,
        /// The reason.
        why: WaitReason,
    },
    /// It needs an operator.
    Held {
        /// Why, and what the operator can do.
        fault: HoldFault,
        /// The digest of the request that an approval permits, if it is for one.
        request: Option<String>,
        /// Index of the label that waits; absent when the whole job waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<usize>,
        /// When the labels that do not wait continue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
    },
    /// Everything that the rule asks for is done.
    Succeeded,
    /// It failed; an operator can retry it.
    Failed {
        /// The error.
        fault: Fault,
    },
    /// The package or the rules are at fault; nothing was sent.
    Rejected {
        /// The error.
        fault: Fault,
    },
    /// An operator ended it.
    Cancelled,
}

impl State {
    /// The state of a job that waits for an operator as a whole.
    #[must_use]
    pub fn held(fault: HoldFault) -> Self {
        Self::Held { fault, request: None, label: None, due: None }
    }

    /// The state without its data.
    #[must_use]
    pub fn kind(&self) -> StateKind {
        match self {
            Self::Queued => StateKind::Queued,
            Self::Waiting { .. } => StateKind::Waiting,
            Self::Held { .. } => StateKind::Held,
            Self::Succeeded => StateKind::Succeeded,
            Self::Failed { .. } => StateKind::Failed,
            Self::Rejected { .. } => StateKind::Rejected,
            Self::Cancelled => StateKind::Cancelled,
        }
    }

    /// Whether nothing more happens to the job unless an operator asks for it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.kind().has_ended()
    }

    /// The error of a held, failed or rejected job.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Held { fault, .. } => Some(fault),
            Self::Failed { fault } | Self::Rejected { fault } => Some(fault),
            Self::Queued | Self::Waiting { .. } | Self::Succeeded | Self::Cancelled => None,
        }
    }
}
