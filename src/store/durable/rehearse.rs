//! What opening a store would come to, tried on a copy.

use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::{Durable, Opening, open};

/// A copy of a store that was opened; the copy goes with it.
pub struct Rehearsal {
    /// The copy, as it would be after the next start.
    pub store: Durable,
    /// What the next start would mend.
    pub opening: Opening,
    // Dropped last.
    _copy: Copy,
}

struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} cannot be removed: {error}", self.0.display());
        }
    }
}

impl Durable {
    /// Opens a copy of the store of a folder, while nobody else has it; the store itself stays as it is.
    ///
    /// # Errors
    /// What would keep the store from opening, and what keeps it from being copied.
    pub fn rehearse(folder: &Path) -> Result<Rehearsal, StoreError> {
        let lock = open::lock(folder)?;
        let copy = Copy(folder.join(format!("rehearsal-{}", std::process::id())));
        // One that was killed left its copy behind, and numbers of processes come again.
        if copy.0.exists() {
            let failed = |error| StoreError::Io { what: "cannot remove", path: copy.0.clone(), error };
            std::fs::remove_dir_all(&copy.0).map_err(failed)?;
        }
        for name in ["sled", "journal"] {
            let from = folder.join(name);
            let failed = |source| StoreError::Io { what: "cannot copy", path: from.clone(), error: source };
            copy_folder(&from, &copy.0.join(name)).map_err(failed)?;
        }
        let (store, opening) = Self::open(&copy.0)?;
        drop(lock);
        Ok(Rehearsal { store, opening, _copy: copy })
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
