//! The names of states.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
