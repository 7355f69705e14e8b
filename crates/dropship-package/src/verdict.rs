//! The answer of an inspection.

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check is not made.
    Off,
    /// Information.
    Info,
    /// The package is accepted.
    Warn,
    /// The package is rejected.
    Error,
}

/// A result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the check in kebab case, such as `digest-mismatch`.
    pub check: String,
    /// Its level under the policy.
    pub level: Level,
    /// Which object is at fault, why, what to change, and the source in parentheses.
    pub message: String,
    /// The document or tool that the check comes from.
    pub source: String,
}

/// The verdict on a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Whole, signed and well formed.
    Accept,
    /// At fault; never sent.
    Reject,
    /// Not all bytes are there yet.
    Incomplete,
}

/// Everything that an inspection says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Accept, reject or wait.
    pub verdict: Verdict,
    /// All findings, the gravest first.
    pub findings: Vec<Finding>,
    /// What could be learnt; absent when the file is no package at all or not whole.
    pub facts: Option<Facts>,
}

impl Inspection {
    /// The findings that reject the package, joined for one line; empty for an accepted one.
    #[must_use]
    pub fn reasons(&self) -> String {
        let errors = self.findings.iter().filter(|finding| finding.level == Level::Error);
        errors.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// The same, or another text when no finding rejects the package.
    #[must_use]
    pub fn reasons_or(&self, otherwise: &str) -> String {
        let reasons = self.reasons();
        if reasons.is_empty() { otherwise.to_owned() } else { reasons }
    }
}
