//! What folders say of results and of dropped files; replaced as a whole at a reload.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::config::model::{After, Folder};

/// What each folder says, by name.
#[derive(Debug, Default)]
pub struct FolderWays(RwLock<BTreeMap<String, Way>>);

#[derive(Debug)]
struct Way {
    mode: Option<u32>,
    after: After,
    outbox: Option<PathBuf>,
    keep: Option<Duration>,
    priority: i64,
}

impl FolderWays {
    /// Goes by these folders from now on.
    pub fn replace(&self, folders: &[Folder]) {
        let way = |folder: &Folder| Way {
            mode: folder.outbox_mode,
            after: folder.after.clone(),
            outbox: folder.outbox.clone(),
            keep: folder.outbox_keep,
            priority: folder.priority,
        };
        let ways = folders.iter().map(|folder| (folder.name.clone(), way(folder))).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ways;
    }

    fn ways(&self) -> RwLockReadGuard<'_, BTreeMap<String, Way>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Permission bits of result files of a folder, if it says so.
    #[must_use]
    pub fn mode(&self, folder: &str) -> Option<u32> {
        self.ways().get(folder).and_then(|way| way.mode)
    }

    /// What becomes of a folder's dropped files after success.
    #[must_use]
    pub fn after(&self, folder: &str) -> After {
        self.ways().get(folder).map_or(After::Leave, |way| way.after.clone())
    }

    /// Whose jobs go first: the higher, the earlier.
    pub(super) fn priority(&self, folder: &str) -> i64 {
        self.ways().get(folder).map_or(0, |way| way.priority)
    }

    /// The folders that keep results for a time only: each with its outbox, and how long.
    pub(super) fn kept(&self, store: &Path) -> Vec<(String, PathBuf, Duration)> {
        let own = |name: &str| store.join("outbox").join(name);
        let ways = self.ways();
        let kept = ways.iter().filter_map(|(name, way)| {
            Some((name.clone(), way.outbox.clone().unwrap_or_else(|| own(name)), way.keep?))
        });
        kept.collect()
    }

    /// The shortest time that any folder keeps results, if one does not for ever.
    pub(super) fn shortest_keep(&self) -> Option<Duration> {
        self.ways().values().filter_map(|way| way.keep).min()
    }
}
