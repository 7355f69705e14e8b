//! The role of a process at a shared store.

/// The role of a process at a shared store.
#[derive(Debug, Clone)]
pub enum Role {
    /// It stands by as the node of this name, beside the others, until it takes the lease and processes jobs. It commits only what its
    /// operators ask for before.
    Node {
        /// The name of this node.
        name: String,
        /// The names of its folders.
        folders: Vec<String>,
    },
    /// It is a command on the node of this name: it changes the store while no node has the lease, and reads it while one has.
    Command {
        /// The name of this node.
        name: String,
    },
    /// It writes beside others, without a lease: nothing may be sent to the service because of its commits.
    Peer,
}
