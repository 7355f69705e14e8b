//! What a process does with a shared store.

use tokio::sync::watch;

/// What a process does with a shared store.
#[derive(Debug)]
pub enum Role {
    /// It processes jobs as the node of this name, and waits for that while another node does. The name of that node is sent.
    Node {
        /// The name of this node.
        name: String,
        /// Receives the name of the node that this one waits for.
        standing_by: watch::Sender<Option<String>>,
    },
    /// It is a command on the node of this name: it changes the store while no node has the lease, and reads it while one has.
    Command {
        /// The name of this node.
        name: String,
    },
    /// It writes beside others, without a lease: nothing may be sent to the service on the ground of its commits.
    Peer,
}

/// What a process may append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Writes {
    /// It has the lease, so no other process appends.
    Alone,
    /// It appends beside others.
    BesideOthers,
    /// The node of this name has the lease.
    Nothing(String),
}
