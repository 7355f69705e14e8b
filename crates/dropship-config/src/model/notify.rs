//! `[[notify]]`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use dropship_redact::SafeUrl;

/// A receiver of notifications about jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Unique name.
    pub name: String,
    /// Events to notify of.
    pub on: BTreeSet<Occasion>,
    /// Transport.
    pub via: Via,
    /// Maximum duration of one attempt.
    pub timeout: Duration,
    /// How long a failed notification is retried.
    pub give_up: Duration,
}

/// Transport of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A JSON document is posted to a URL.
    Webhook {
        /// The URL.
        url: SafeUrl,
        /// Secret for the signature.
        secret: Option<SecretAt>,
    },
    /// A program, with its arguments.
    Command(Vec<String>),
}

/// Location of a secret; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretAt {
    /// In a file.
    File(PathBuf),
    /// In a systemd credential of this name.
    Credential(String),
}

/// Kinds of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// A job succeeded.
    Succeeded,
    /// A job failed.
    Failed,
    /// A job was cancelled.
    Cancelled,
    /// A job is held for an operator.
    Held,
    /// A package was rejected.
    Rejected,
    /// An account is suspended, because its credentials or roles were refused.
    Account,
    /// A label that had to be withdrawn was published.
    Label,
}

impl Occasion {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Held,
        Self::Rejected,
        Self::Account,
        Self::Label,
    ];
}
