//! Changes of a published label that dropship did not make.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a published label differs from what dropship knew of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "drift", rename_all = "kebab-case")]
pub enum Drift {
    /// It was withdrawn, in Partner Center or by Microsoft.
    Withdrawn {
        /// The reasons that the service shows.
        reason: String,
    },
    /// The service does not know it any more.
    Removed,
    /// None of its targets is in force any more.
    Expired,
    /// It is published, but does not reach the same machines.
    Changed {
        /// What has changed, one text for each.
        changes: Vec<String>,
    },
}

impl Drift {
    /// Whether the label is not published any more.
    #[must_use]
    pub fn ends_publication(&self) -> bool {
        match self {
            Self::Withdrawn { .. } | Self::Removed | Self::Expired => true,
            Self::Changed { .. } => false,
        }
    }

    /// The word that scripts see.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Withdrawn { .. } => "withdrawn",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Changed { .. } => "changed",
        }
    }
}

/// Completes a sentence whose subject is the label.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withdrawn { reason } => {
                write!(
                    f,
                    "was withdrawn at Microsoft after its publication, not by dropship: {}",
                    reason.trim_end_matches('.')
                )
            }
            Self::Removed => f.write_str("is not known to Microsoft any more"),
            Self::Expired => f.write_str("has expired: none of its targets is in force any more"),
            Self::Changed { changes } => {
                write!(
                    f,
                    "was changed at Microsoft after its publication, not by dropship: {}",
                    changes.join("; ")
                )
            }
        }
    }
}

/// The last change of a published label that dropship did not make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDrift {
    /// The change.
    #[serde(flatten)]
    pub drift: Drift,
    /// When it was seen.
    pub at: Timestamp,
    /// The operator who has acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
}
