//! Detects changes of a file without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::open::metadata_below;

/// A file system's timestamp. May be before 1970 or far in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime {
    /// Seconds since 1970-01-01 UTC.
    pub secs: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

/// A file and its state: while all fields are equal, nothing was written to the file.
///
/// Inode numbers are reused and modification times are copied, so no single field is proof. The kernel sets the change
/// time at each write, rename and link. On network file systems times may stand still while another machine writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Device number of the file system.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// When the content was last written; tools that copy files may set it.
    pub mtime: FileTime,
    /// When the inode last changed.
    pub ctime: FileTime,
}

impl From<&Metadata> for Identity {
    fn from(meta: &Metadata) -> Self {
        let time = |secs, nanos: i64| FileTime { secs, nanos: u32::try_from(nanos).unwrap_or(0) };
        Self {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: time(meta.mtime(), meta.mtime_nsec()),
            ctime: time(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

impl From<&rustix::fs::Stat> for Identity {
    #[expect(clippy::useless_conversion, reason = "the width of these differs between architectures")]
    fn from(stat: &rustix::fs::Stat) -> Self {
        let time = |secs, nanos| FileTime { secs, nanos: u32::try_from(nanos).unwrap_or(0) };
        Self {
            dev: stat.st_dev.into(),
            ino: stat.st_ino.into(),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: time(stat.st_mtime.into(), stat.st_mtime_nsec),
            ctime: time(stat.st_ctime.into(), stat.st_ctime_nsec),
        }
    }
}

impl Identity {
    /// The identity of the regular file at `path` below `root`, if there is one. Follows no symbolic link below `root`.
    pub(crate) fn of_file(root: &Path, path: &Path) -> Option<Self> {
        let meta = metadata_below(root, path).ok()?;
        meta.is_file().then(|| Self::from(&meta))
    }
}

impl FileTime {
    /// When a file was created, if the file system records it.
    #[must_use]
    pub fn of_birth(meta: &Metadata) -> Option<Self> {
        let birth = jiff::Timestamp::try_from(meta.created().ok()?).ok()?;
        Some(Self::from(birth))
    }

    /// The current wall-clock time.
    #[must_use]
    pub fn now() -> Self {
        Self::from(jiff::Timestamp::now())
    }
}

impl From<jiff::Timestamp> for FileTime {
    fn from(time: jiff::Timestamp) -> Self {
        let nanos = i64::from(time.subsec_nanosecond());
        // Before 1970 both parts are negative; a file system counts the nanoseconds from the second before.
        let (secs, nanos) =
            if nanos < 0 { (time.as_second() - 1, nanos + 1_000_000_000) } else { (time.as_second(), nanos) };
        Self { secs, nanos: u32::try_from(nanos).unwrap_or(0) }
    }
}
