//! One difference between two plans of a package.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cause::Cause;

/// A difference, and why there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanDifference {
    /// Why.
    pub cause: Cause,
    /// Name of the label by the new plan; by the old one if it has no such label any more. Absent if it is not about a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What differs.
    #[serde(flatten)]
    pub change: PlanChange,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum PlanChange {
    /// Another rule applies. Without a rule, the package is rejected.
    Rule {
        /// Name of the rule by the old plan.
        old: Option<String>,
        /// Name of the rule by the new plan.
        new: Option<String>,
        /// Why the package would be rejected.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<String>,
    },
    /// A value differs.
    Value(ValueChange),
    /// The label is new.
    LabelAdded,
    /// The label is no longer asked for.
    LabelRemoved,
    /// Other machines are targeted.
    Targets(TargetChange),
    /// The label can no longer be requested, or can be requested now.
    Problems {
        /// The reasons by the old plan; empty if it can be requested.
        old: Vec<String>,
        /// The reasons by the new plan.
        new: Vec<String>,
    },
}

/// A value that differs. As text `floor "NI" instead of none`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The key as the configuration has it, such as `product.device_type` or `audiences`.
    pub key: String,
    /// The value by the old plan.
    pub old: Value,
    /// The value by the new plan.
    pub new: Value,
}

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} instead of {}", self.key, DisplayedValue(&self.new), DisplayedValue(&self.old))
    }
}

/// A value as an operator reads it: `none` for nothing.
struct DisplayedValue<'a>(&'a Value);

impl fmt::Display for DisplayedValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("none"),
            Value::Array(list) if list.is_empty() => f.write_str("none"),
            other => other.fmt(f),
        }
    }
}

/// How the targets of a label differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetChange {
    /// Number of targets that only the new plan has.
    pub added_count: usize,
    /// Number of targets that only the old plan has.
    pub removed_count: usize,
    /// Targets that only the new plan has.
    pub added: Vec<LabelTarget>,
    /// Targets that only the old plan has.
    pub removed: Vec<LabelTarget>,
}

impl TargetChange {
    /// The difference of two sets of targets; `None` if they are equal.
    #[must_use]
    pub fn between(old: &BTreeSet<LabelTarget>, new: &BTreeSet<LabelTarget>) -> Option<Self> {
        let only = |one: &BTreeSet<LabelTarget>, other: &BTreeSet<LabelTarget>| -> Vec<_> {
            one.difference(other).cloned().collect()
        };
        let (added, removed) = (only(new, old), only(old, new));
        let change = Self { added_count: added.len(), removed_count: removed.len(), added, removed };
        (change.added_count > 0 || change.removed_count > 0).then_some(change)
    }
}

impl PlanDifference {
    /// Keeps the first `max` targets of each direction. The counts stay.
    pub fn truncate_targets(&mut self, max: usize) {
        if let PlanChange::Targets(change) = &mut self.change {
            change.added.truncate(max);
            change.removed.truncate(max);
        }
    }
}

/// A hardware id of an INF on one system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LabelTarget {
    /// Bundle id of Microsoft; before the package is signed `foreseen`, and the folder of the INF if several have its name.
    pub bundle: String,
    /// INF file name.
    pub inf: String,
    /// OS code.
    pub os: String,
    /// Hardware id.
    pub hardware_id: String,
}
