//! Objects that a job creates at the service, and the proof of each create.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::remote_id::RemoteId;

/// The kinds of objects that a job creates at the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteKind {
    /// The product.
    Product,
    /// The submission.
    Submission,
    /// The label at this index in the rule's list.
    Label(usize),
}

impl fmt::Display for RemoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Product => "product",
            Self::Submission => "submission",
            Self::Label(_) => "label",
        })
    }
}

/// Progress of one create at the service.
///
/// The service has no idempotency keys and no delete. So an intent is durable before the request is sent, and only
/// proof closes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Creation {
    /// Not requested, or known not to have been carried out.
    #[default]
    Open,
    /// The request may have been sent, and may still take effect.
    Intended(Intent),
    /// The object exists.
    Done {
        /// Its id at the service.
        id: RemoteId,
    },
}

impl Creation {
    /// The id, once it exists.
    #[must_use]
    pub fn id(&self) -> Option<RemoteId> {
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

    pub(crate) fn intent_mut(&mut self) -> Option<&mut Intent> {
        match self {
            Self::Intended(intent) => Some(intent),
            Self::Open | Self::Done { .. } => None,
        }
    }

    /// The progress, independent of the kind of the object.
    #[must_use]
    pub fn progress(&self) -> CreateProgress<'_> {
        match self {
            Self::Open => CreateProgress::Open,
            Self::Intended(intent) => CreateProgress::Intended(intent),
            Self::Done { id } => CreateProgress::Done(*id),
        }
    }
}

/// Progress of the create of a product, a submission or a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateProgress<'a> {
    /// Not requested, or known not to have been carried out.
    Open,
    /// The request may have been sent, and may still take effect.
    Intended(&'a Intent),
    /// The object exists and has this id.
    Done(RemoteId),
}

impl<'a> CreateProgress<'a> {
    /// The id, once it exists.
    #[must_use]
    pub fn id(self) -> Option<RemoteId> {
        match self {
            Self::Done(id) => Some(id),
            Self::Open | Self::Intended(_) => None,
        }
    }

    /// The open intent.
    #[must_use]
    pub fn intent(self) -> Option<&'a Intent> {
        match self {
            Self::Intended(intent) => Some(intent),
            Self::Open | Self::Done(_) => None,
        }
    }
}

/// The durable record of a create that may have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Name of the object.
    pub name: String,
    /// Digest of the whole request.
    pub request: String,
    /// Ids that had this name before the request: none of them is the new object.
    pub existing_ids: Vec<RemoteId>,
    /// Until when the request may still take effect.
    pub may_complete_until: Timestamp,
    /// When the request was first sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_called: Option<Timestamp>,
    /// How often a search since the last request did not find the object.
    pub not_found_count: u32,
    /// How often the request was repeated since an operator last released the job.
    #[serde(default)]
    pub reissued: u32,
    /// When to search for late duplicates of a repeated request: once no earlier request can take effect any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_check_at: Option<Timestamp>,
    /// Why the list before the request was incomplete: an object that is not in `existing_ids` may have had this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_list: Option<String>,
    /// The proposal that an approval accepts: set when no list could prove whether the request took effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Resolution>,
    /// The operator's decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Resolution>,
}

impl Intent {
    /// The intent to send a request for the first time: no object had the name before, and nothing has been sent yet.
    pub fn new(name: impl Into<String>, request: impl Into<String>, may_complete_until: Timestamp) -> Self {
        Self {
            name: name.into(),
            request: request.into(),
            existing_ids: Vec::new(),
            may_complete_until,
            first_called: None,
            not_found_count: 0,
            reissued: 0,
            duplicate_check_at: None,
            incomplete_list: None,
            proposed: None,
            decided: None,
        }
    }
}

/// How an operator resolves a create of which no list can prove whether it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resolution", rename_all = "snake_case")]
pub enum Resolution {
    /// The job continues with this object.
    Adopt {
        /// Its id at the service.
        id: RemoteId,
    },
    /// The request is sent again: it had no effect.
    Repeat,
}

/// A scheduled search for duplicates: the request was sent more than once, and an earlier one may take effect late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateDuplicateCheck {
    /// Kind of the object.
    pub kind: RemoteKind,
    /// The name that a duplicate would have.
    pub name: String,
    /// Ids that had the name before the first request.
    pub existing_ids: Vec<RemoteId>,
    /// When to search next. A label of a cancelled job is searched for at once, since it is published unless it is withdrawn.
    pub due: Timestamp,
    /// When no request can take effect any more: a search at or after this time is the last one.
    pub until: Timestamp,
    /// Id of the product that contains the object, or is it.
    pub product: Option<RemoteId>,
    /// Id of the submission that contains the object, or is it.
    pub submission: Option<RemoteId>,
}

impl LateDuplicateCheck {
    /// Whether this check is for the given create.
    #[must_use]
    pub fn is_of(&self, kind: RemoteKind, name: &str, existing_ids: &[RemoteId]) -> bool {
        self.kind == kind && self.name == name && self.existing_ids == existing_ids
    }
}
