//! The settings of a drop folder.

use std::path::PathBuf;
use std::time::Duration;

use crate::ReadyWhen;

/// A drop folder to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSpec {
    /// Unique name.
    pub name: String,
    /// Absolute path.
    pub path: PathBuf,
    /// Globs of the file names that are packages.
    pub include: Vec<String>,
    /// Globs of file names that are ignored although `include` matches them.
    pub exclude: Vec<String>,
    /// Number of levels of subfolders that are watched too.
    pub depth: usize,
    /// A file counts as settled after this long without change or writer.
    pub settle: Duration,
    /// A file counts as stale after this long without change or writer.
    pub incomplete: Duration,
    /// Interval between full scans.
    pub poll: Duration,
    /// When a file is complete.
    pub ready: ReadyWhen,
    /// Order of admission under backpressure: higher before lower, 0 is the default.
    pub priority: i32,
}
