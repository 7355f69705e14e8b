//! The state of a job, and the error that led to it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error_kind::ErrorKind;
use super::hold_reason::HoldFault;
use super::wait_reason::WaitReason;

/// An error, for operators and for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The word that scripts decide by.
    pub kind: ErrorKind,
    /// What failed, on which object, why, and what to do about it.
    pub message: String,
}

impl Fault {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

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

/// A state without its data, as commands, receipts and indexes name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateKind {
    /// A worker can take it now.
    Queued,
    /// A worker has it. Only the daemon knows this; the store has the job as queued or waiting.
    Running,
    /// It has a due time.
    Waiting,
    /// It needs an operator.
    Held,
    /// Everything that the rule asks for is done.
    Succeeded,
    /// It failed; an operator can retry it.
    Failed,
    /// The package or the rules are at fault; nothing was sent.
    Rejected,
    /// An operator ended it.
    Cancelled,
}

impl StateKind {
    /// All states, in the order in which the documentation lists them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Held,
        Self::Succeeded,
        Self::Failed,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The states that a store knows: all but [`StateKind::Running`].
    pub const STORED: [Self; 7] = [
        Self::Queued,
        Self::Waiting,
        Self::Held,
        Self::Succeeded,
        Self::Failed,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// The states in which only an operator can make the job continue.
    pub const ENDED: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Rejected, Self::Cancelled];

    /// The name that logs, commands and receipts use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens to the job unless an operator asks for it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        Self::ENDED.contains(&self)
    }
}

impl fmt::Display for StateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state of a job")]
pub struct UnknownState(String);

impl FromStr for StateKind {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_name_round_trips_through_text_and_json() {
        for kind in StateKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
        }
        assert_eq!("Held".parse::<StateKind>(), Err(UnknownState("Held".to_owned())));
    }

    #[test]
    fn state_lists_agree() {
        let stored: Vec<_> = StateKind::ALL.into_iter().filter(|kind| *kind != StateKind::Running).collect();
        assert_eq!(stored, StateKind::STORED);
    }
}
