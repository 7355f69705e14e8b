//! One item of the list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kind::{AttentionKind, Severity};

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionItem {
    /// Kind of the trouble.
    pub kind: AttentionKind,
    /// Name of the account, folder, job or component; empty for the daemon as a whole.
    pub object: String,
    /// What is wrong, on which object, and why.
    pub message: String,
    /// Since when it has been so, as far as the daemon knows.
    pub since: Timestamp,
    /// Whether packages are still accepted.
    pub severity: Severity,
}
