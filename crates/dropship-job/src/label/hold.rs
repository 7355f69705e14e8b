//! A label that waits for operators, and the approvals that it has so far.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hold_reason::HoldFault;

/// What an approval of a label that is on hold releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The request with this digest, and no other.
    Request(String),
    /// The label, although one that it depends on will never be published.
    WithoutPredecessor,
    /// Another attempt.
    Attempt,
}

/// The approval of one operator. It counts for the request that the label is on hold for, and ends with that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelApproval {
    /// The operator, as the history shows them.
    pub by: String,
    /// User id of the operator: one person counts once, whatever the user database calls them.
    pub uid: u32,
    /// When.
    pub at: Timestamp,
    /// The operator's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why a label waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelHold {
    /// The reason, and what the operator can do.
    pub fault: HoldFault,
    /// What an approval releases.
    pub release: Release,
    /// Number of different operators whose approval releases it; at least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub needed: u8,
    /// The approvals so far, fewer than are needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<LabelApproval>,
}

fn one() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_one(needed: &u8) -> bool {
    *needed == 1
}

impl LabelHold {
    /// A hold without approvals. `needed` operators have to approve a request; for anything else one is enough.
    #[must_use]
    pub fn new(fault: HoldFault, release: Release, needed: u8) -> Self {
        let needed = match release {
            Release::Request(_) => needed.max(1),
            Release::WithoutPredecessor | Release::Attempt => 1,
        };
        Self { fault, release, needed, approvals: Vec::new() }
    }

    /// Digest of the request that an approval is bound to.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        match &self.release {
            Release::Request(digest) => Some(digest),
            Release::WithoutPredecessor | Release::Attempt => None,
        }
    }

    /// The approval that this operator has given already.
    #[must_use]
    pub fn approval_of(&self, uid: u32) -> Option<&LabelApproval> {
        self.approvals.iter().find(|approval| approval.uid == uid)
    }

    /// Adds an approval; returns whether the hold has all that it needs.
    pub(crate) fn approve(&mut self, approval: LabelApproval) -> Result<bool, &'static str> {
        if self.approval_of(approval.uid).is_some() {
            return Err("this operator has approved it already, and another one has to");
        }
        self.approvals.push(approval);
        Ok(self.approvals.len() >= usize::from(self.needed))
    }
}
