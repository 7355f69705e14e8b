//! Reports changes in the health of folders.

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
}
