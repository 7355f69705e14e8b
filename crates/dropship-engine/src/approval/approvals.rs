//! The approvals that a label on hold needs and has, as receipts and commands show them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_job::{LabelApproval, LabelHold};
use dropship_redact::Escaped;

/// The approvals that a label on hold needs and has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Number of different operators who have to approve.
    pub needed: u8,
    /// The approvals so far.
    pub given: Vec<GivenApproval>,
}

/// The approval of one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenApproval {
    /// The operator.
    pub by: String,
    /// User id of the operator.
    pub uid: u32,
    /// When.
    pub at: Timestamp,
    /// The operator's note.
    pub note: Option<String>,
}

impl Approvals {
    /// The approvals of a hold.
    #[must_use]
    pub fn of(hold: &LabelHold) -> Self {
        let given = |approval: &LabelApproval| GivenApproval {
            by: approval.by.clone(),
            uid: approval.uid,
            at: approval.at,
            note: approval.note.clone(),
        };
        Self { needed: hold.needed, given: hold.approvals.iter().map(given).collect() }
    }
}

impl fmt::Display for GivenApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:.0}", Escaped(&self.by), self.at)?;
        match &self.note {
            Some(note) => write!(f, ", note: {}", Escaped(note)),
            None => Ok(()),
        }
    }
}
