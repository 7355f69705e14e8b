//! Settings of folders for results, dropped files and priority; a reload replaces all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::{RwLock, RwLockReadGuard};

use crate::config::model::{AfterSuccess, Folder};

/// The settings of each folder, by name.
#[derive(Debug, Default)]
pub struct FolderPolicies(RwLock<BTreeMap<String, FolderPolicy>>);

#[derive(Debug)]
struct FolderPolicy {
    path: PathBuf,
    mode: Option<u32>,
    after: AfterSuccess,
    outbox: Option<PathBuf>,
    keep: Option<Duration>,
    priority: i64,
}

impl FolderPolicies {
    /// Replaces the settings of all folders.
    pub fn replace(&self, folders: &[Folder]) {
        let policy = |folder: &Folder| FolderPolicy {
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

    /// Permission bits of result files, if the folder sets them.
    #[must_use]
    pub fn mode(&self, folder: &str) -> Option<u32> {
        self.policies().get(folder).and_then(|policy| policy.mode)
    }

    /// The action on a dropped file after success, and the path of the drop folder. Files of unknown folders stay.
    #[must_use]
    pub fn after(&self, folder: &str) -> Option<(AfterSuccess, PathBuf)> {
        self.policies().get(folder).map(|policy| (policy.after.clone(), policy.path.clone()))
    }

    /// The path of the drop folder.
    pub(super) fn path(&self, folder: &str) -> Option<PathBuf> {
        self.policies().get(folder).map(|policy| policy.path.clone())
    }

    /// Priority; jobs of folders with a higher one go first.
    pub(super) fn priority(&self, folder: &str) -> i64 {
        self.policies().get(folder).map_or(0, |policy| policy.priority)
    }

    /// Folders that keep results for a limited time, each with its outbox and that time.
    pub(super) fn kept(&self, store: &Path) -> Vec<(String, PathBuf, Duration)> {
        let own = |name: &str| crate::outbox::in_store(store, name);
        let policies = self.policies();
        let kept = policies.iter().filter_map(|(name, policy)| {
            Some((name.clone(), policy.outbox.clone().unwrap_or_else(|| own(name)), policy.keep?))
        });
        kept.collect()
    }

    /// The shortest time that a folder keeps results; `None` when all keep them forever.
    pub(super) fn shortest_keep(&self) -> Option<Duration> {
        self.policies().values().filter_map(|policy| policy.keep).min()
    }
}
