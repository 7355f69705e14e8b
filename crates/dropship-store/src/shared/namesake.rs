//! Another place that runs under the name of a node.

use jiff::Timestamp;

use crate::shared::append_id::AppendId;
use crate::shared::node::Node;

/// A process that has the name of a node, has started before it, and is in another folder or on another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    /// The process.
    pub incarnation: AppendId,
    /// The name of its machine; empty if it has not reported that.
    pub host: String,
    /// The place of its store, as in [`Node::place`].
    pub place: String,
    /// When it was last heard of, by the clock of the database.
    pub last_seen: Timestamp,
}

impl Namesake {
    /// The boot id of its machine.
    #[must_use]
    pub fn boot(&self) -> &str {
        boot_of(&self.place)
    }

    /// Whether it is on the machine of this node, with another folder.
    #[must_use]
    pub fn is_on_machine_of(&self, node: &Node) -> bool {
        self.boot() == boot_of(&node.place)
    }
}

fn boot_of(place: &str) -> &str {
    place.rsplit_once('/').map_or("", |(_, boot)| boot)
}
