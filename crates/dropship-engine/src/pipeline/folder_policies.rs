//! Settings of folders for results, dropped files and priority; a reload replaces all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};

use dropship_config::model::{AfterSuccess, Folder};

/// The settings of each folder, by name.
#[derive(Debug, Default)]
pub struct FolderPolicies(RwLock<BTreeMap<String, FolderPolicy>>);

/// A folder that is on this node only: where it is, and where its results belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnFolder {
    /// The drop folder.
    pub(super) path: PathBuf,
    /// The outbox on the disk of this node.
    pub(super) outbox: PathBuf,
    /// Permission bits of result files, if the folder sets them.
    pub(super) mode: Option<u32>,
    /// The action on a dropped file after success.
    pub(super) after: AfterSuccess,
    /// How long results are kept.
    pub(super) keep: Option<Duration>,
}

/// Which machines have a folder.
#[derive(Debug)]
enum FolderLocation {
    Everywhere,
    /// On this one only, with an outbox of its own.
    Here(PathBuf),
    Elsewhere,
}

#[derive(Debug)]
struct FolderPolicy {
    location: FolderLocation,
    path: PathBuf,
    mode: Option<u32>,
    after: AfterSuccess,
    outbox: Option<PathBuf>,
    keep: Option<Duration>,
    priority: i64,
}

impl FolderPolicies {
    /// Replaces the settings of all folders; `node` is the name of this node.
    pub fn replace(&self, folders: &[Folder], node: Option<&str>) {
        let location = |folder: &Folder| match &folder.on_node {
            None => FolderLocation::Everywhere,
            Some(on) if Some(on.node.as_str()) == node => FolderLocation::Here(on.outbox.clone()),
            Some(_) => FolderLocation::Elsewhere,
        };
        let policy = |folder: &Folder| FolderPolicy {
            location: location(folder),
            path: folder.path.clone(),
            mode: folder.outbox_mode,
            after: folder.after.clone(),
            outbox: folder.outbox.clone(),
            keep: folder.outbox_keep,
            priority: folder.priority,
        };
        let policies = folders.iter().map(|folder| (folder.name.clone(), policy(folder))).collect();
        *self.0.write() = policies;
    }

    fn policies(&self) -> RwLockReadGuard<'_, BTreeMap<String, FolderPolicy>> {
        self.0.read()
    }

    /// Whether a folder is on another node only.
    pub(super) fn is_elsewhere(&self, folder: &str) -> bool {
        self.policies().get(folder).is_some_and(|policy| matches!(policy.location, FolderLocation::Elsewhere))
    }

    /// Permission bits of result files, if the folder sets them.
    #[must_use]
    pub fn mode(&self, folder: &str) -> Option<u32> {
        self.policies().get(folder).and_then(|policy| policy.mode)
    }

    /// The action on a dropped file after success, and the path of the drop folder. Files of unknown folders stay, and a folder that is
    /// on one node is that node's to look after (`own`).
    #[must_use]
    pub fn after(&self, folder: &str) -> Option<(AfterSuccess, PathBuf)> {
        let policies = self.policies();
        let policy =
            policies.get(folder).filter(|policy| matches!(policy.location, FolderLocation::Everywhere))?;
        Some((policy.after.clone(), policy.path.clone()))
    }

    /// The path of the drop folder, if this machine has it.
    pub(super) fn path(&self, folder: &str) -> Option<PathBuf> {
        let policies = self.policies();
        let policy =
            policies.get(folder).filter(|policy| !matches!(policy.location, FolderLocation::Elsewhere))?;
        Some(policy.path.clone())
    }

    /// A folder that is on this node only.
    pub(super) fn own(&self, folder: &str) -> Option<OwnFolder> {
        let policies = self.policies();
        let policy = policies.get(folder)?;
        let FolderLocation::Here(outbox) = &policy.location else { return None };
        Some(OwnFolder {
            path: policy.path.clone(),
            outbox: outbox.clone(),
            mode: policy.mode,
            after: policy.after.clone(),
            keep: policy.keep,
        })
    }

    /// The names of the folders that are on this node only.
    pub(super) fn own_names(&self) -> Vec<String> {
        let policies = self.policies();
        let own = policies.iter().filter(|(_, policy)| matches!(policy.location, FolderLocation::Here(_)));
        own.map(|(name, _)| name.clone()).collect()
    }

    /// Whether the folder is on one node only, which copies the results to its outbox.
    pub(super) fn is_on_one_node(&self, folder: &str) -> bool {
        let policies = self.policies();
        policies.get(folder).is_some_and(|policy| !matches!(policy.location, FolderLocation::Everywhere))
    }

    /// Priority; jobs of folders with a higher one go first.
    pub(super) fn priority(&self, folder: &str) -> i64 {
        self.policies().get(folder).map_or(0, |policy| policy.priority)
    }

    /// Folders that keep results for a limited time, each with its outbox and that time.
    pub(super) fn outboxes_with_keep(&self, store: &Path) -> Vec<(String, PathBuf, Duration)> {
        let own = |name: &str| dropship_config::outbox_layout::in_store(store, name);
        let policies = self.policies();
        let outboxes = policies.iter().filter_map(|(name, policy)| {
            Some((name.clone(), policy.outbox.clone().unwrap_or_else(|| own(name)), policy.keep?))
        });
        outboxes.collect()
    }

    /// The shortest time that a folder keeps results; `None` when all keep them forever.
    pub(super) fn shortest_keep(&self) -> Option<Duration> {
        self.policies().values().filter_map(|policy| policy.keep).min()
    }
}
