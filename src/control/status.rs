//! The summary that `dropship status` prints.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attention::AttentionItem;
use dropship_engine::outbox::{NotWithdrawn, Receipt};
use dropship_engine::pipeline::PauseScope;
use dropship_intake::{FolderHealth, FolderState};
use dropship_job::{JobId, StateKind};
use dropship_store::Store;

/// The answer to `dropship status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Whether a daemon answered. If not, the command read the store.
    pub running: bool,
    /// When the daemon started.
    pub since: Option<Timestamp>,
    /// The name of this node, if the jobs are in a database.
    #[serde(default)]
    pub node: Option<String>,
    /// The node that processes the jobs while this one stands by.
    #[serde(default)]
    pub stands_by_for: Option<String>,
    /// The nodes that share the database.
    #[serde(default)]
    pub nodes: Vec<NodeStatus>,
    /// Base URL of the API that submissions go to.
    pub endpoint: String,
    /// Whether the API is a sandbox.
    pub sandbox: bool,
    /// Number of jobs by state; their sum is the number of jobs. `running` counts the jobs that workers process.
    pub jobs: BTreeMap<StateKind, usize>,
    /// What is paused.
    pub paused: Vec<PauseScope>,
    /// Accounts that are suspended because the service refused their credentials or roles.
    pub accounts: Vec<AccountStatus>,
    /// Labels that have to be withdrawn and are not withdrawn yet.
    #[serde(default)]
    pub not_withdrawn: Vec<LabelNotWithdrawn>,
    /// The watched folders.
    pub folders: Vec<FolderStatus>,
    /// Everything that needs attention, except held jobs.
    #[serde(default)]
    pub trouble: Vec<AttentionItem>,
    /// Changed keys of the configuration that take effect at a restart.
    #[serde(default)]
    pub restart: Vec<String>,
}

/// A node that shares the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// `active`, `standing-by`, `ended` or `lost`.
    pub state: NodeState,
    /// Its version of dropship.
    pub version: String,
    /// When its daemon started.
    pub since: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// When its lease ends unless it is renewed, if it has the lease.
    pub lease_until: Option<Timestamp>,
    /// The names of its folders.
    pub folders: Vec<String>,
    /// Those of them that are on this node only. It watches them also while it stands by.
    #[serde(default)]
    pub own_folders: Vec<String>,
}

/// The role of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// It processes the jobs.
    Active,
    /// It takes over when the active node ends.
    StandingBy,
    /// It has ended.
    Ended,
    /// It has not ended, and is not heard of any more.
    Lost,
}

impl From<dropship_store::NodeStatus> for NodeStatus {
    fn from(node: dropship_store::NodeStatus) -> Self {
        let state = match node.state {
            dropship_store::NodeState::Active => NodeState::Active,
            dropship_store::NodeState::StandingBy => NodeState::StandingBy,
            dropship_store::NodeState::Ended => NodeState::Ended,
            dropship_store::NodeState::Lost => NodeState::Lost,
        };
        let folders = || node.folders.iter().map(|name| reported_folder(name));
        let own = folders().filter(|(_, is_own)| *is_own).map(|(name, _)| name.to_owned()).collect();
        Self {
            own_folders: own,
            folders: folders().map(|(name, _)| name.to_owned()).collect(),
            name: node.name,
            state,
            version: node.version,
            since: node.since,
            last_seen: node.last_seen,
            lease_until: node.lease_until,
        }
    }
}

/// Precedes the name of a folder that is on the reporting node only. No name of a folder begins with it.
pub const OWN_FOLDER: char = '@';

/// The name of a folder that a node has reported, and whether it is on that node only.
#[must_use]
pub fn reported_folder(reported: &str) -> (&str, bool) {
    reported.strip_prefix(OWN_FOLDER).map_or((reported, false), |name| (name, true))
}

/// The nodes that share the database of a store.
#[must_use]
pub fn nodes_of(store: &dyn Store) -> Vec<NodeStatus> {
    store.nodes().into_iter().map(NodeStatus::from).collect()
}

/// A label that has to be withdrawn and is not withdrawn yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelNotWithdrawn {
    /// Id of its job.
    pub job: JobId,
    /// The label, and why it is not withdrawn.
    #[serde(flatten)]
    pub label: NotWithdrawn,
}

impl LabelNotWithdrawn {
    /// Those of a job.
    pub fn of(receipt: Receipt) -> impl Iterator<Item = Self> {
        let id = receipt.id;
        receipt.not_withdrawn.into_iter().map(move |label| Self { job: id.clone(), label })
    }
}

/// A suspended account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Its name.
    pub name: String,
    /// The service's message.
    pub why: String,
    /// When it was suspended.
    pub since: Timestamp,
    /// Time of the next attempt.
    pub probe: Timestamp,
}

impl From<FolderHealth> for FolderStatus {
    fn from(health: FolderHealth) -> Self {
        let shown = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        Self {
            name: health.name,
            path: health.path.display().to_string(),
            state: health.state,
            why: health.reason,
            advice: health.advice,
            candidates: health.candidates,
            ignored: health.ignored,
            last_ignored: health.last_ignored.iter().map(shown).collect(),
            no_room: health.backpressure,
        }
    }
}

/// A watched folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderStatus {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// How its files are found.
    pub state: FolderState,
    /// Why the state is not `ok`.
    pub why: Option<String>,
    /// How to fix it.
    pub advice: Option<String>,
    /// Number of files that are not complete yet.
    pub candidates: usize,
    /// Number of files that `include` matches and `exclude` leaves out.
    #[serde(default)]
    pub ignored: usize,
    /// Paths below the folder of the last of these, newest first.
    #[serde(default)]
    pub last_ignored: Vec<String>,
    /// Why no file is accepted now; intake continues automatically.
    #[serde(default)]
    pub no_room: Option<String>,
}
