//! A captured copy as a file of this machine.

use std::path::{Path, PathBuf};

/// A captured copy that can be read as a file. One that was fetched for this is deleted on drop.
#[derive(Debug)]
pub struct LocalCopy {
    path: PathBuf,
    is_fetched: bool,
}

impl LocalCopy {
    pub(super) fn kept(path: PathBuf) -> Self {
        Self { path, is_fetched: false }
    }

    pub(super) fn fetched(path: PathBuf) -> Self {
        Self { path, is_fetched: true }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalCopy {
    fn drop(&mut self) {
        if self.is_fetched
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("cannot delete the temporary copy {}: {error}", self.path.display());
        }
    }
}
