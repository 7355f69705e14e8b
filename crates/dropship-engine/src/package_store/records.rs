//! The plan of an accepted package, and the facts of a rejected one.

use serde::{Deserialize, Serialize};

use dropship_package::Facts;
use dropship_rules::Planning;
use dropship_rules::plan::Plan;
use dropship_rules::vars::Vars;

/// Facts and plan of a package at its admission, stored as `dossier.json`. Later changes of the rules do not affect it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSnapshot {
    /// The facts from inspection.
    pub facts: Facts,
    /// The rendered requests of the rule.
    pub plan: Plan,
    /// Variables from its sidecar.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
    /// How the plan was made; absent in plans of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning: Option<Planning>,
}

/// Facts of a package that passed the inspection and that the rules rejected, stored as `rejected.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedPackage {
    /// The facts from inspection.
    pub facts: Facts,
    /// Variables from its sidecar.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
    /// How a plan was attempted.
    pub planning: Planning,
    /// The rule that could not be carried out; absent if no rule matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it was rejected.
    pub reason: String,
}
