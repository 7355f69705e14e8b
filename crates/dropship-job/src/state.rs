//! Where a job stands: its step, its state, and how far each create at the service has come.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The stations of a package, in the order of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Is the package whole, signed and well formed, and which rule is it for?
    Inspect,
    /// Create the product.
    Product,
    /// Create the submission.
    Submission,
    /// Bring the package to the upload URL.
    Upload,
    /// Commit the submission.
    Commit,
    /// Wait for Microsoft's signature.
    Sign,
    /// Bring the signed package and its metadata back.
    Collect,
    /// Create the shipping labels.
    Label,
    /// Follow the labels to their end.
    Publish,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 9] = [
        Self::Inspect,
        Self::Product,
        Self::Submission,
        Self::Upload,
        Self::Commit,
        Self::Sign,
        Self::Collect,
        Self::Label,
        Self::Publish,
    ];

    /// The step's name, as logs and commands spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Product => "product",
            Self::Submission => "submission",
            Self::Upload => "upload",
            Self::Commit => "commit",
            Self::Sign => "sign",
            Self::Collect => "collect",
            Self::Label => "label",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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

/// How far something that is created at the service has come.
///
/// The service has no idempotency keys and no delete, so a create is intended durably before it is
/// called, and an intent is closed by proof alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Creation {
    /// Not called yet, or known not to have been carried out.
    #[default]
    Open,
    /// Perhaps called, perhaps carried out, perhaps still to be carried out.
    Intended(Intent),
    /// Exists.
    Done {
        /// Its id at the service.
        #[serde(with = "as_text")]
        id: u64,
    },
}

impl Creation {
    /// The id, once it exists.
    #[must_use]
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Done { id } => Some(*id),
            Self::Open | Self::Intended(_) => None,
        }
    }

    /// The open intent.
    #[must_use]
    pub fn intent(&self) -> Option<&Intent> {
        match self {
            Self::Intended(intent) => Some(intent),
            Self::Open | Self::Done { .. } => None,
        }
    }
}

/// What is known of a create that may have been called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The name that the created thing bears.
    pub name: String,
    /// Digest of the whole request.
    pub request: String,
    /// Ids that bore the name already: none of them is ours.
    #[serde(with = "as_texts")]
    pub existing_ids: Vec<u64>,
    /// Until when the service may still carry it out.
    pub may_complete_until: Timestamp,
    /// When it was called first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_called: Option<Timestamp>,
    /// How often it was looked for and not found since the last call.
    pub not_found_count: u32,
    /// How often the call was repeated since a person last said to go on.
    #[serde(default)]
    pub reissued: u32,
    /// The call was repeated: when, twice the time that the service may take after that, a last look tells of twins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_check_at: Option<Timestamp>,
}

/// A create that was called more than once and exists: an earlier call may still be carried out, late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateDuplicateCheck {
    /// What was created.
    pub kind: super::event::RemoteKind,
    /// The name that a twin would bear.
    pub name: String,
    /// Ids that bore the name before the first call.
    #[serde(with = "as_texts")]
    pub existing_ids: Vec<u64>,
    /// When no call can be carried out any more, and a last look tells.
    pub due: Timestamp,
    /// The product that it is in, or is.
    pub product: Option<u64>,
    /// The submission that it is in, or is.
    pub submission: Option<u64>,
}

impl LateDuplicateCheck {
    /// Is it what may have become of this create?
    #[must_use]
    pub fn is_of(&self, kind: super::event::RemoteKind, name: &str, existing_ids: &[u64]) -> bool {
        self.kind == kind && self.name == name && self.existing_ids == existing_ids
    }
}

/// Ids pass 2^53, so JSON holds them as strings.
pub(super) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The same for lists of ids.
pub(super) mod as_texts {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(ids: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(u64::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
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
