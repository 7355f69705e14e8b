//! What is known of the nodes of a fleet.

use jiff::Timestamp;

/// A node, as the database knows it. Times are those of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Its version of dropship.
    pub version: String,
    /// What it does.
    pub state: NodeState,
    /// When its process started.
    pub since: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// When its lease ends unless it is renewed, if it has the lease.
    pub lease_until: Option<Timestamp>,
    /// The names of its folders.
    pub folders: Vec<String>,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It has the lease, and processes the jobs.
    Active,
    /// It takes over when the active node ends.
    StandingBy,
    /// It has ended.
    Ended,
    /// It has not ended, and is not heard of any more.
    Lost,
}

impl NodeState {
    /// Whether the node runs, as far as is known.
    #[must_use]
    pub fn runs(self) -> bool {
        matches!(self, Self::Active | Self::StandingBy)
    }
}
