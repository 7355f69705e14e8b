//! A finding of an examination: what is wrong, and its remedy.

use serde::{Deserialize, Serialize};

/// One problem of the store, of the captured packages or of an outbox.
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
