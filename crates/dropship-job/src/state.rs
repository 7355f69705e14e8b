//! The state of a job, and the error that led to it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What went wrong, for people and for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A word that scripts can decide by, such as `signing-failed`.
    pub kind: String,
    /// What happened, to which thing, and what to do about it.
    pub message: String,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The durable state of a job. That a worker has it in hand just now is known to the daemon alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum State {
    /// Can be worked on now.
    Queued,
    /// Is worked on again at `due`.
    Waiting {
        /// When.
        due: Timestamp,
        /// What for, for people.
        why: String,
    },
    /// Waits for a person.
    Held {
        /// Why, and what the person can do.
        fault: Fault,
        /// The digest of the request that an approval is for, if it is for one.
        request: Option<String>,
    },
    /// All that the rule asked for is done.
    Succeeded,
    /// It went wrong; a person can retry it.
    Failed {
        /// What went wrong.
        fault: Fault,
    },
    /// The package or the rules are at fault; nothing was ever sent.
    Rejected {
        /// What is at fault.
        fault: Fault,
    },
    /// A person ended it.
    Cancelled,
}

impl State {
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

    /// The fault that the state carries.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Held { fault, .. } | Self::Failed { fault } | Self::Rejected { fault } => Some(fault),
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
