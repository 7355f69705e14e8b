//! What tells one state of one file from every other, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A file system's time stamp; may lie before 1970 and far in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Seconds since 1970, UTC.
    pub secs: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

/// Which file, and in which state: as long as all of it is equal, nobody wrote to the file.
///
/// Inode numbers are reused and modification times are copied, so no part alone says anything;
/// the change time is the kernel's own and moves at each write, rename and link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Device that the file lies on.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// When the content was last written, as the writer's tools tell it.
    pub mtime: Stamp,
    /// When the inode last changed.
    pub ctime: Stamp,
}

impl From<&Metadata> for Identity {
    fn from(meta: &Metadata) -> Self {
        let stamp = |secs, nanos: i64| Stamp { secs, nanos: u32::try_from(nanos).unwrap_or(0) };
        Self {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: stamp(meta.mtime(), meta.mtime_nsec()),
            ctime: stamp(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

impl From<&rustix::fs::Stat> for Identity {
    #[expect(clippy::useless_conversion, reason = "the width of these differs between architectures")]
    fn from(stat: &rustix::fs::Stat) -> Self {
        let stamp = |secs, nanos| Stamp { secs, nanos: u32::try_from(nanos).unwrap_or(0) };
        Self {
            dev: stat.st_dev.into(),
            ino: stat.st_ino.into(),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: stamp(stat.st_mtime.into(), stat.st_mtime_nsec),
            ctime: stamp(stat.st_ctime.into(), stat.st_ctime_nsec),
        }
    }
}

impl Identity {
    /// Of a regular file at this path, if there is one; follows no link.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let meta = std::fs::symlink_metadata(path).ok()?;
        meta.is_file().then(|| Self::from(&meta))
    }
}

impl Stamp {
    /// The wall clock's now.
    #[must_use]
    pub fn now() -> Self {
        let now = jiff::Timestamp::now();
        Self { secs: now.as_second(), nanos: u32::try_from(now.subsec_nanosecond()).unwrap_or(0) }
    }
}
