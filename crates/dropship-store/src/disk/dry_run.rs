//! Opening a copy of a store, to learn what the next start would repair.

use std::path::{Path, PathBuf};

use crate::disk::disk_store::DiskStore;
use crate::disk::lock::lock;
use crate::disk::open::OpenReport;
use crate::error::StoreError;

/// An opened copy of a store; it is deleted on drop.
pub struct DryRun {
    /// The copy, as the store will be after the next start.
    pub store: DiskStore,
    /// Repairs of the next start.
    pub report: OpenReport,
    // Dropped last.
    _copy: ScratchCopy,
}

struct ScratchCopy(PathBuf);

impl Drop for ScratchCopy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("cannot remove {}: {error}; delete it", self.0.display());
        }
    }
}

impl DiskStore {
    /// Opens a copy of the store of a folder, while no other process has the store; the store itself is not changed.
    ///
    /// # Errors
    /// [`StoreError::Locked`], the reason why the store cannot be opened, or why it cannot be copied.
    pub fn open_dry_run(folder: &Path) -> Result<DryRun, StoreError> {
        let lock = lock(folder)?;
        let copy = ScratchCopy(folder.join(format!("dry-run-{}", std::process::id())));
        // A killed process leaves its copy behind, and process ids are reused.
        if copy.0.exists() {
            let failed = |error| StoreError::Io { what: "cannot remove", path: copy.0.clone(), error };
            std::fs::remove_dir_all(&copy.0).map_err(failed)?;
        }
        for name in ["sled", "journal"] {
            let from = folder.join(name);
            let failed = |error| StoreError::Io { what: "cannot copy", path: from.clone(), error };
            copy_folder(&from, &copy.0.join(name)).map_err(failed)?;
        }
        let (store, report) = Self::open(&copy.0).map_err(|error| of_original(error, &copy.0, folder))?;
        drop(lock);
        Ok(DryRun { store, report, _copy: copy })
    }
}

/// The error with the paths of the store in place of those of its copy.
fn of_original(error: StoreError, copy: &Path, folder: &Path) -> StoreError {
    let with_original_paths =
        |what: String| what.replace(&*copy.to_string_lossy(), &folder.to_string_lossy());
    match error {
        StoreError::Io { what, path, error } => {
            let path = path.strip_prefix(copy).map(|inside| folder.join(inside)).unwrap_or(path);
            StoreError::Io { what, path, error }
        }
        StoreError::Damaged { what } => StoreError::Damaged { what: with_original_paths(what) },
        StoreError::Older { what } => StoreError::Older { what: with_original_paths(what) },
        StoreError::Newer { what } => StoreError::Newer { what: with_original_paths(what) },
        other => other,
    }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for item in std::fs::read_dir(from)? {
        let item = item?;
        let to = to.join(item.file_name());
        if item.file_type()?.is_dir() {
            copy_folder(&item.path(), &to)?;
        } else {
            std::fs::copy(item.path(), to)?;
        }
    }
    Ok(())
}
