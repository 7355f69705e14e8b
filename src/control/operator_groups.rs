//! The groups in `[control] operators`, by id.

use std::sync::Arc;

use parking_lot::RwLock;

/// The ids of the operators' groups. Names are looked up at start and reload only: a request must not wait for a directory
/// service. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct OperatorGroups(Arc<RwLock<Arc<[u32]>>>);

impl OperatorGroups {
    /// Looks up the groups. Blocks: it asks the group database.
    #[must_use]
    pub fn of(names: &[String]) -> Self {
        let groups = Self::default();
        groups.replace(names);
        groups
    }

    /// Looks up the groups of a new configuration. Blocks: it asks the group database.
    pub fn replace(&self, names: &[String]) {
        let ids: Arc<[u32]> = names.iter().filter_map(|name| group_id(name)).collect();
        *self.0.write() = ids;
    }

    /// The ids.
    #[must_use]
    pub fn ids(&self) -> Arc<[u32]> {
        Arc::clone(&self.0.read())
    }
}

/// Looks up the id of a group by its name; a number is returned unchanged.
fn group_id(name: &str) -> Option<u32> {
    if let Ok(id) = name.parse() {
        return Some(id);
    }
    match nix::unistd::Group::from_name(name) {
        Ok(Some(group)) => Some(group.gid.as_raw()),
        Ok(None) => {
            tracing::warn!(
                event = "unknown_group",
                "[control] operators: there is no group `{name}`; create it, then run `dropship reload`"
            );
            None
        }
        Err(error) => {
            tracing::warn!(
                event = "unknown_group",
                "[control] operators: cannot look up the group `{name}`: {error}; run `dropship reload` when the group \
                 database answers again"
            );
            None
        }
    }
}
