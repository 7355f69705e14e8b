//! The caller's requirements for a package.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::{CheckInfo, KNOWN};
use super::trust::Trust;
use super::verdict::Level;

/// Requirements for a package, and the time at which it has to meet them.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Signers that are trusted.
    pub signers: Trust,
    /// Level of checks that do not have their default level, by name; ignored for fixed checks.
    pub levels: BTreeMap<String, Level>,
    /// The time at which certificates have to be valid.
    pub now: Timestamp,
}

impl Policy {
    /// All checks, in the order in which an inspection makes them.
    #[must_use]
    pub fn known_checks() -> &'static [CheckInfo] {
        KNOWN
    }
}
