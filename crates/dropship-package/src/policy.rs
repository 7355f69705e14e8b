//! The caller's requirements for a package.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::{CheckInfo, KNOWN};
use super::trust::Trust;
use super::verdict::Level;

/// Requirements for a package, and the time at which it must meet them.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Signers that are trusted.
    pub signers: Trust,
    /// Levels that replace a check's default level, by the check's name. Ignored for fixed checks.
    pub levels: BTreeMap<String, Level>,
    /// Time at which certificates must be valid.
    pub now: Timestamp,
}

impl Policy {
    /// All checks, in the order in which an inspection makes them.
    #[must_use]
    pub fn known_checks() -> &'static [CheckInfo] {
        KNOWN
    }
}
