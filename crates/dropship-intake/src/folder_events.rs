//! Reports changes in the health of folders, and files that were lost.

use std::path::Path;

/// Receives changes in the health of folders. The crate itself logs technical detail only.
///
/// `reason` names the problem and `advice` says what an administrator can do about it.
pub trait FolderEvents: Send + Sync + 'static {
    /// Some or all files of the folder are not found.
    fn degraded(&self, folder: &str, reason: &str, advice: &str);

    /// Events do not report every change in the folder, so files are found by scans.
    fn polled(&self, folder: &str, reason: &str, advice: &str);

    /// A full scan found that all problems are solved.
    fn recovered(&self, folder: &str);

    /// A file was found and disappeared before it was admitted.
    fn lost(&self, folder: &str, path: &Path, how: FileLoss);
}

/// How a file was lost that was not admitted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileLoss {
    /// Its name is gone: it was removed or renamed.
    Vanished,
    /// Another file has its name, or its content was replaced.
    Overwritten,
}

impl FileLoss {
    /// All values, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Vanished, Self::Overwritten];

    /// The value in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vanished => "vanished",
            Self::Overwritten => "overwritten",
        }
    }
}
