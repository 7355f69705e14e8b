//! What folders say of results and of dropped files; replaced as a whole at a reload.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::config::model::{After, Folder};

/// What each folder says, by name.
#[derive(Debug, Default)]
pub struct FolderWays(RwLock<BTreeMap<String, (Option<u32>, After)>>);

impl FolderWays {
    /// Goes by these folders from now on.
    pub fn replace(&self, folders: &[Folder]) {
        let way = |folder: &Folder| (folder.name.clone(), (folder.outbox_mode, folder.after.clone()));
        let ways = folders.iter().map(way).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ways;
    }

    /// Permission bits of result files of a folder, if it says so.
    #[must_use]
    pub fn mode(&self, folder: &str) -> Option<u32> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(folder).and_then(|way| way.0)
    }

    /// What becomes of a folder's dropped files after success.
    #[must_use]
    pub fn after(&self, folder: &str) -> After {
        let ways = self.0.read().unwrap_or_else(PoisonError::into_inner);
        ways.get(folder).map_or(After::Leave, |way| way.1.clone())
    }
}
