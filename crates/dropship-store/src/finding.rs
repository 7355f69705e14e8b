//! One problem that a check found, and its remedy.

use serde::{Deserialize, Serialize};

/// A problem of the store or of the files beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The problem, and the object that has it.
    pub what: String,
    /// The remedy, and who applies it.
    pub mend: String,
}

impl Finding {
    /// A problem with its remedy.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what: what.into(), mend: mend.into() }
    }
}
