//! The summary: what is it doing, what is stuck, and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use dropship_job::StateKind;

/// The answer to `dropship status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// A daemon answered; else the store was asked.
    pub running: bool,
    /// When the daemon started.
    pub since: Option<Timestamp>,
    /// Where submissions go.
    pub endpoint: String,
    /// Nothing goes to Microsoft.
    pub sandbox: bool,
    /// Number of jobs by state; `running` counts those in a worker's hand, which are queued or waiting too.
    pub jobs: BTreeMap<StateKind, usize>,
    /// What is paused: `*` is everything.
    pub paused: Vec<String>,
    /// Accounts that are paused since the service refuses them.
    pub accounts: Vec<AccountStatus>,
    /// The watched folders.
    pub folders: Vec<FolderStatus>,
}

/// A paused account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// What the service said.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub probe: Timestamp,
}

/// A watched folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderStatus {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// `ok`, `polling` or `degraded`.
    pub state: String,
    /// Why it is not ok.
    pub why: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// Files that are not finished yet.
    pub candidates: usize,
    /// Why nothing is let in from it now, though there are files; it goes on by itself.
    #[serde(default)]
    pub no_room: Option<String>,
}
