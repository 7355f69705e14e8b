//! Which folders this machine reaches, if each node of a fleet has folders of its own (`[[folder]] node`).

use super::model::{Config, Folder};

impl Config {
    /// The folders that this machine reaches: those of this node, and those of every node.
    pub fn folders_here(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter().filter(|folder| self.is_here(folder))
    }

    /// The folders that are on this node only. It watches them also while it stands by.
    pub fn own_folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders_here().filter(|folder| folder.on_node.is_some())
    }

    /// Whether this machine reaches a folder.
    #[must_use]
    pub fn is_here(&self, folder: &Folder) -> bool {
        folder.on_node.as_ref().is_none_or(|on| Some(on.node.as_str()) == self.store.node())
    }

    /// The folders that only another node reaches, each with that node.
    pub fn folders_elsewhere(&self) -> impl Iterator<Item = (&Folder, &str)> {
        let is_elsewhere = |folder: &&Folder| !self.is_here(folder);
        self.folders
            .iter()
            .filter(is_elsewhere)
            .filter_map(|folder| Some((folder, &*folder.on_node.as_ref()?.node)))
    }

    /// The node that has this folder, if that is another one.
    #[must_use]
    pub fn node_elsewhere(&self, folder: &str) -> Option<&str> {
        self.folders_elsewhere().find(|(one, _)| one.name == folder).map(|(_, node)| node)
    }

    /// Makes the folders of this machine ordinary ones with outboxes in the store, and forgets those of other nodes: a sandbox has no
    /// other nodes.
    pub fn without_nodes(&mut self) {
        let here: Vec<_> = self.folders_here().cloned().collect();
        self.folders = here;
        for folder in &mut self.folders {
            (folder.outbox, folder.on_node) = (None, None);
        }
    }
}
