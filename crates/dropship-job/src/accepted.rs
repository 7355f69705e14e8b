//! The decision to accept a package.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The decision to submit a package: by which rule, with which account and plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Name of the rule.
    pub rule: String,
    /// Name of the account that submits it.
    pub account: String,
    /// Digest of the stored plan; absent when the plan was lost with an earlier store.
    pub plan: Option<String>,
    /// Identity of its signed content; packages that differ only in bytes that no signature covers have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Warnings of inspection and rules.
    pub warnings: Vec<String>,
    /// Variables from its sidecar.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<String, String>,
}
