//! The changing part of a folder's health.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::folder_issue::FolderIssue;
use crate::ignored::IgnoredFiles;
use crate::{FileTime, FolderState, IntakeSummary};

/// Results of scans and events.
#[derive(Debug, Default)]
pub(crate) struct FolderStatus {
    /// Name of the file system, if other machines may write to it.
    pub(crate) remote: Option<&'static str>,
    /// The mount to which `remote` applies.
    pub(crate) mount: Option<MountId>,
    /// The folder was a mount point at some time.
    pub(crate) was_mount: bool,
    /// The last pass could not watch every directory.
    pub(crate) is_unwatched: bool,
    /// Issues of the last full scan.
    pub(crate) issues: Vec<FolderIssue>,
    /// A file that the daemon may not read.
    pub(crate) unreadable: Option<FolderIssue>,
    /// When the arrival of events was last tested.
    pub(crate) probed_at: Option<Instant>,
    /// Set if the test found that no events arrive.
    pub(crate) events_missing: Option<FolderIssue>,
    /// When a scan last found a file that an event should have reported.
    pub(crate) missed_event: Option<(Instant, FolderIssue)>,
    /// Every change since this time should have been reported by an event; `None` while that is unknown.
    pub(crate) events_since: Option<FileTime>,
    /// Why no file is offered now.
    pub(crate) backpressure: Option<String>,
    pub(crate) last_scan_took: Duration,
    pub(crate) accepted: u64,
    pub(crate) last_scan: Option<Timestamp>,
    pub(crate) scans: u64,
    pub(crate) candidates: usize,
    pub(crate) ignored: IgnoredFiles,
}

/// Identifies a mount and its root, between two scans.
///
/// The kernel reuses the ids of mounts, and the device numbers of file systems without hardware. For example, if an NFS share is
/// unmounted and another share is mounted in its place, the new mount can have the id and the device number of the old one. A scan
/// between the two notices the change: it sees the empty mount point, which is in a third mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MountId {
    pub(crate) device: (u32, u32),
    /// Inode of the folder.
    pub(crate) root: u64,
    pub(crate) id: u64,
}

impl FolderStatus {
    /// Whether files of the folder are found by scans alone, so that another machine may write to it without an event. Only
    /// this function decides what "polled" means.
    pub(crate) fn is_polled(&self) -> bool {
        self.remote.is_some()
            || self.is_unwatched
            || self.events_missing.is_some()
            || self.missed_event.is_some()
    }

    /// The most serious issue.
    pub(crate) fn worst_issue(&self) -> Option<FolderIssue> {
        let remote = self.remote.map(|kind| {
            FolderIssue::polling(
                format!("{kind} does not report changes that other machines make"),
                "no action needed; if files are found too late, lower `poll`, or let the build server write to a local disk",
            )
        });
        let missed = self.missed_event.as_ref().map(|(_, issue)| issue);
        let of_events = self.events_missing.iter().chain(missed).chain(&remote);
        let issues = self.issues.iter().chain(&self.unreadable).chain(of_events);
        issues.max_by_key(|issue| issue.state == FolderState::Degraded).cloned()
    }

    pub(crate) fn add_to(&self, summary: &mut IntakeSummary) {
        let mut issues = self.issues.iter().chain(&self.unreadable);
        summary.folders += 1;
        summary.degraded += usize::from(issues.any(|issue| issue.state == FolderState::Degraded));
        summary.backpressure += usize::from(self.backpressure.is_some());
        summary.candidates += self.candidates;
    }
}
