//! The steps of a job, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stations of a package, in the order of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Is the package whole, signed and well formed, and which rule is it for?
    Inspect,
    /// Create the product.
    Product,
    /// Create the submission.
    Submission,
    /// Bring the package to the upload URL.
    Upload,
    /// Commit the submission.
    Commit,
    /// Wait for Microsoft's signature.
    Sign,
    /// Bring the signed package and its metadata back.
    Collect,
    /// Create the shipping labels.
    Label,
    /// Follow the labels to their end.
    Publish,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 9] = [
        Self::Inspect,
        Self::Product,
        Self::Submission,
        Self::Upload,
        Self::Commit,
        Self::Sign,
        Self::Collect,
        Self::Label,
        Self::Publish,
    ];

    /// The step's name, as logs and commands spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Product => "product",
            Self::Submission => "submission",
            Self::Upload => "upload",
            Self::Commit => "commit",
            Self::Sign => "sign",
            Self::Collect => "collect",
            Self::Label => "label",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
