//! The identity of a file, independent of its name.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::fs::Stat;

/// Device and inode number of a file. They are its own as long as the file is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    dev: u64,
    ino: u64,
}

impl FileId {
    /// The id in the metadata of an open file.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self { dev: meta.dev(), ino: meta.ino() }
    }

    #[expect(clippy::useless_conversion, reason = "the width of these differs between architectures")]
    pub(crate) fn of_stat(stat: &Stat) -> Self {
        Self { dev: stat.st_dev.into(), ino: stat.st_ino.into() }
    }
}
