//! Whether a rule is still the one that a plan was made by.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Rule;

/// How the rules in force differ from the rule that a plan was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleChange {
    /// The rule of this name has other content.
    Changed,
    /// There is no rule of this name.
    Gone,
}

impl Rule {
    /// Identifies the content of the rule: the version that computed it, a colon, SHA-256 in hex.
    ///
    /// Equal rules have equal digests within one version; another version may have keys that this one does not know.
    #[must_use]
    pub fn digest(&self) -> String {
        let content = Sha256::digest(format!("{self:?}"));
        format!("{}:{}", env!("CARGO_PKG_VERSION"), dropship_package::hex(&content))
    }

    /// Compares the rules in force with the rule of this name and digest. `None`: it is unchanged, or its digest was computed
    /// by another version and cannot be compared.
    #[must_use]
    pub fn change_in(rules: &[Self], name: &str, digest: &str) -> Option<RuleChange> {
        let Some(rule) = rules.iter().find(|rule| rule.name == name) else { return Some(RuleChange::Gone) };
        let (version, now) = (|digest: &str| digest.split(':').next().map(str::to_owned), rule.digest());
        (version(digest) == version(&now) && digest != now).then_some(RuleChange::Changed)
    }
}
