//! The folders that nodes report to each other, and conflicts between their names.

use crate::control::{OWN_FOLDER, reported_folder};
use dropship_config::model::Config;
use dropship_store::Store;

/// Another running node has a folder of the same name, and at least one of the two folders is on the disk of its node only.
///
/// The store records known files by the name of their folder. Each node would look in vain for the files of the other node, and
/// record that they have left the folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "folder `{folder}`: node `{node}` has a folder of this name too, and `node` of `[[folder]]` differs; give each folder a name of its \
     own, and all nodes the same `[[folder]]` tables"
)]
pub struct FolderConflict {
    folder: String,
    node: String,
}

/// The folders that this node reports.
pub(super) fn reported_names(config: &Config) -> Vec<String> {
    let name = |folder: &dropship_config::model::Folder| match &folder.on_node {
        Some(_) => format!("{OWN_FOLDER}{}", folder.name),
        None => folder.name.clone(),
    };
    config.folders_here().map(name).collect()
}

/// Compares the folders of this node with those of the other running nodes.
pub(super) fn find_conflict(store: &dyn Store, config: &Config) -> Option<FolderConflict> {
    let own = reported_names(config);
    let own: Vec<_> = own.iter().map(|name| reported_folder(name)).collect();
    let is_other = |name: &str| Some(name) != config.store.node();
    let running = store.nodes().into_iter().filter(|node| is_other(&node.name) && node.state.runs());
    running.into_iter().find_map(|node| {
        let theirs = node.folders.iter().map(|name| reported_folder(name));
        let mut conflicting = theirs.filter_map(|(name, is_theirs)| {
            let (_, is_own) = own.iter().find(|(own, _)| *own == name)?;
            (*is_own || is_theirs).then(|| name.to_owned())
        });
        conflicting.next().map(|folder| FolderConflict { folder, node: node.name.clone() })
    })
}
