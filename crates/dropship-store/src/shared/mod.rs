//! The store of a node: the journal is shared with the other nodes of a fleet, the tables are the node's own.

mod append_id;
mod compaction;
mod entry_subscribers;
mod lease;
mod lease_times;
mod lines;
mod memory_journal;
mod namesake;
mod node;
mod node_standing;
mod node_status;
mod open;
mod presence;
mod role;
mod shared_histories;
mod shared_journal;
mod shared_log;

pub use append_id::AppendId;
pub use lease::{Lease, LeaseAnswer, Leases};
pub use memory_journal::{CallFault, JournalCall, MemoryJournal};
pub use namesake::Namesake;
pub use node::Node;
pub use node_standing::NodeStanding;
pub use node_status::{NodeState, NodeStatus};
pub use open::SharedStore;
pub use role::Role;
pub use shared_histories::SharedHistories;
pub use shared_journal::{
    AppendResult, Batch, JournalEnd, JournalExtent, NewLine, Position, Rewrite, SharedJournal, SharedLine,
    SharedReader, Topic,
};
