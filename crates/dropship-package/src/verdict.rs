//! The result of an inspection.

use serde::{Deserialize, Serialize};

use super::facts::Facts;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check is not made.
    Off,
    /// For information; the verdict does not depend on it.
    Info,
    /// The package is accepted with a warning.
    Warn,
    /// The package is rejected.
    Error,
}

/// A fault or a remark that a check found.
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
    /// The package is complete, signed and well formed.
    Accept,
    /// At least one finding has the level [`Level::Error`].
    Reject,
    /// The file ends before the package does: it is still being copied, or was cut off.
    Incomplete,
}

/// The result of an inspection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The verdict on the package.
    pub verdict: Verdict,
    /// All findings, the most severe first.
    pub findings: Vec<Finding>,
    /// Facts of the package; absent if the file is incomplete or not a package.
    pub facts: Option<Facts>,
}

impl Inspection {
    /// Messages of the findings that reject the package, joined with `; `. Empty if the package is accepted.
    #[must_use]
    pub fn reasons(&self) -> String {
        let errors = self.findings.iter().filter(|finding| finding.level == Level::Error);
        errors.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// Like [`Self::reasons`], or `otherwise` if no finding rejects the package.
    #[must_use]
    pub fn reasons_or(&self, otherwise: &str) -> String {
        let reasons = self.reasons();
        if reasons.is_empty() { otherwise.to_owned() } else { reasons }
    }
}
