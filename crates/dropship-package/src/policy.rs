//! What the operator wants of a package.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::{CheckInfo, KNOWN};
use super::trust::Trust;
use super::verdict::Level;

/// By what, and at which time, a package is judged.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Whose signatures count.
    pub signers: Trust,
    /// Level by name of check, from `[preflight]`.
    pub levels: BTreeMap<String, Level>,
    /// The time of judgement.
    pub now: Timestamp,
}

impl Policy {
    /// All checks there are, for configuration and documents.
    #[must_use]
    pub fn known_checks() -> &'static [CheckInfo] {
        KNOWN
    }
}
