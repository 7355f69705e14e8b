//! Whether a folder or file is this process's own, and only its own to write.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::folder::SharedFolder;

/// Permission bits by which others may write.
const OTHERS_WRITE: u32 = 0o022;

impl SharedFolder {
    /// Whether this folder, which is in `parent`, belongs to this process's user.
    ///
    /// # Errors
    /// When the file system does not return the metadata of the folder.
    pub fn is_own(&self, parent: &Self) -> io::Result<bool> {
        let uid = self.stat()?.st_uid;
        Ok(uid == rustix::process::geteuid().as_raw() || parent.creates_as() == Some(uid))
    }

    /// Whether only this process's user can change the names in this folder, which is in `parent`.
    ///
    /// # Errors
    /// As [`Self::is_own`].
    pub fn is_private(&self, parent: &Self) -> io::Result<bool> {
        Ok(self.is_own(parent)? && self.stat()?.st_mode & OTHERS_WRITE == 0)
    }

    /// Whether a file in this folder belongs to this process's user.
    #[must_use]
    pub fn owns(&self, meta: &Metadata) -> bool {
        meta.uid() == rustix::process::geteuid().as_raw() || self.creates_as() == Some(meta.uid())
    }

    /// The owner of files that this process creates in this folder. A network share may map users to another one.
    fn creates_as(&self) -> Option<u32> {
        *self.creates_as.get_or_init(|| {
            let probe = self.stage("owner").ok()?;
            probe.file().metadata().ok().map(|meta| meta.uid())
        })
    }
}
