//! The withdrawal of a label: a durable wish. It is requested until the service agrees, and followed until the label is withdrawn
//! or published.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A withdrawal that is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Who requested it: an operator, or the reason.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When to try, or to look, next.
    pub due: Timestamp,
    /// Why it is not withdrawn yet, after the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Withdrawal {
    /// A withdrawal that is wanted from now on.
    #[must_use]
    pub fn wanted(by: &str, at: Timestamp) -> Self {
        Self { by: by.to_owned(), since: at, due: at, why: None }
    }
}
