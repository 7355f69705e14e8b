//! The cause of a difference: the key of the rule that makes it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a package would be planned differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The chosen rule no longer exists.
    RuleGone {
        /// Name of the rule.
        rule: String,
    },
    /// The chosen rule no longer matches.
    NoLongerMatches {
        /// Name of the rule.
        rule: String,
        /// Its conditions that do not hold.
        keys: Vec<String>,
    },
    /// A rule that did not match matches now.
    MatchesNow {
        /// Name of the rule.
        rule: String,
        /// Its conditions that did not hold before; empty if they are not known.
        keys: Vec<String>,
    },
    /// A rule is new, or was moved before the chosen one.
    NewOrMoved {
        /// Name of the rule.
        rule: String,
    },
    /// The chosen rule can no longer be applied to the package, or can be applied now.
    Applicability {
        /// Name of the rule.
        rule: String,
    },
    /// Keys of the chosen rule have other values.
    Keys {
        /// Name of the rule.
        rule: String,
        /// The name of the label as the rule writes it; absent for the other keys of a rule.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// The keys, such as `audiences` or `product.device_type`.
        keys: Vec<String>,
    },
}

impl Cause {
    /// The rule that it is about.
    #[must_use]
    pub fn rule(&self) -> &str {
        match self {
            Self::RuleGone { rule }
            | Self::NoLongerMatches { rule, .. }
            | Self::MatchesNow { rule, .. }
            | Self::NewOrMoved { rule }
            | Self::Applicability { rule }
            | Self::Keys { rule, .. } => rule,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RuleGone { rule } => write!(f, "rule `{rule}` no longer exists"),
            Self::NoLongerMatches { rule, keys } => {
                write!(f, "rule `{rule}` no longer matches: {}", keys.join(", "))
            }
            Self::MatchesNow { rule, keys } if keys.is_empty() => write!(f, "rule `{rule}` matches now"),
            Self::MatchesNow { rule, keys } => write!(f, "rule `{rule}` matches now: {}", keys.join(", ")),
            Self::NewOrMoved { rule } => write!(f, "rule `{rule}` is new, or was moved up"),
            Self::Applicability { rule } => write!(f, "rule `{rule}`: whether it can be applied"),
            Self::Keys { rule, label: None, keys } => write!(f, "rule `{rule}`: {}", keys.join(", ")),
            Self::Keys { rule, label: Some(label), keys } => {
                write!(f, "rule `{rule}`, label `{label}`: {}", keys.join(", "))
            }
        }
    }
}
