//! The error of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error_kind::ErrorKind;

/// An error, for operators and for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The word that scripts decide by.
    pub kind: ErrorKind,
    /// What failed, on which object, why, and what to do about it.
    pub message: String,
}

impl Fault {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
