//! Counts the changes of all folders. Totals over all folders are cached, and stay valid until the counter moves. Without the
//! cache, an idle daemon with thousands of folders would spend most of its time on reading their status.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dropship_shared_folder::{FileWork, Progress};

/// The changes of all folders, and the work in progress. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FolderActivity(Arc<ActivityCounts>);

#[derive(Debug, Default)]
struct ActivityCounts {
    changes: AtomicU64,
    work_in_progress: AtomicUsize,
}

/// Work on the file system of a folder, until it is dropped.
#[derive(Debug)]
#[must_use = "the work ends when this is dropped"]
pub(crate) struct FolderWork {
    /// Present until this is dropped.
    work: Option<FileWork>,
    activity: FolderActivity,
}

impl FolderActivity {
    /// Counts a change of a folder. Call it while the lock is held under which the folder is changed, or afterwards.
    pub(crate) fn note(&self) {
        self.0.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Work begins.
    pub(crate) fn begin(&self, progress: &Progress) -> FolderWork {
        self.0.work_in_progress.fetch_add(1, Ordering::SeqCst);
        self.note();
        FolderWork { work: Some(progress.begin()), activity: self.clone() }
    }

    /// The number of changes so far; `None` while work is in progress, because the work may hang.
    pub(crate) fn quiet_since(&self) -> Option<u64> {
        let changes = self.0.changes.load(Ordering::SeqCst);
        (self.0.work_in_progress.load(Ordering::SeqCst) == 0).then_some(changes)
    }
}

impl Drop for FolderWork {
    fn drop(&mut self) {
        // First end the work: a folder that counts as quiet must not seem to hang.
        drop(self.work.take());
        self.activity.0.work_in_progress.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_quiet_while_work_is_in_progress_or_after_a_change() {
        let (activity, progress) = (FolderActivity::default(), Progress::default());
        let before = activity.quiet_since();
        assert!(before.is_some() && activity.quiet_since() == before);
        let work = activity.begin(&progress);
        // Work that pauses may continue, and hang.
        progress.pause();
        assert_eq!(activity.quiet_since(), None);
        drop(work);
        let after = activity.quiet_since();
        assert!(after.is_some() && after != before);
        activity.note();
        assert_ne!(activity.quiet_since(), after);
    }
}
