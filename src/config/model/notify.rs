//! `[[notify]]`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use dropship_redact::SafeUrl;

/// Who wants to know what becomes of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Unique name.
    pub name: String,
    /// What of.
    pub on: BTreeSet<Occasion>,
    /// How.
    pub via: Via,
    /// One try takes so long at most.
    pub timeout: Duration,
    /// Tried again for so long.
    pub give_up: Duration,
}

/// How somebody is notified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// JSON is posted.
    Webhook {
        /// Where to.
        url: SafeUrl,
        /// What it is signed with.
        secret: Option<SecretAt>,
    },
    /// A program, with its arguments.
    Command(Vec<String>),
}

/// Where a secret is; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretAt {
    /// In a file.
    File(PathBuf),
    /// In a systemd credential of this name.
    Credential(String),
}

/// What somebody wants to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// A job succeeded.
    Succeeded,
    /// A job failed.
    Failed,
    /// A job was cancelled.
    Cancelled,
    /// A job waits for a person.
    Held,
    /// A package was rejected.
    Rejected,
    /// An account is refused, and paused.
    Account,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Failed, Self::Cancelled, Self::Held, Self::Rejected, Self::Account];
}
