//! The state of one folder that its task, its blocking work and [`Intake`](crate::Intake) share.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dropship_shared_folder::Progress;
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use crate::activity::{FolderActivity, FolderWork};
use crate::events::PendingEvents;
use crate::fair_queue::FairQueue;
use crate::folder_status::FolderStatus;
use crate::fstype::ShareDetector;
use crate::gates::AdmissionGates;
use crate::hung::{self, STALL_TIMEOUT};
use crate::names::{NameClass, NameFilter};
use crate::watch::Watcher;
use crate::{
    FileReceiver, FolderEvents, FolderHealth, FolderSpec, FolderState, Identity, IntakeSummary, ReadyWhen,
};

/// One folder.
pub(crate) struct FolderContext {
    pub(crate) spec: FolderSpec,
    pub(crate) names: NameFilter,
    pub(crate) receiver: Arc<dyn FileReceiver>,
    pub(crate) events: Arc<dyn FolderEvents>,
    pub(crate) watcher: Arc<Watcher>,
    pub(crate) pending: Arc<PendingEvents>,
    pub(crate) gates: AdmissionGates,
    /// Order of the folders under backpressure.
    pub(crate) queue: Arc<FairQueue>,
    /// Cancelled when the initial scan has ended.
    pub(crate) initial_scan: CancellationToken,
    pub(crate) share_detector: ShareDetector,
    pub(crate) status: Mutex<FolderStatus>,
    /// Progress of the work on the file system. A folder does one piece of work at a time.
    pub(crate) progress: Progress,
    /// The activity of all folders.
    pub(crate) activity: FolderActivity,
}

impl FolderContext {
    /// The status, to be changed.
    pub(crate) fn status(&self) -> MutexGuard<'_, FolderStatus> {
        let status = self.status.lock();
        // A count that begins after this waits for the lock, and sees the change.
        self.activity.note();
        status
    }

    /// The status, to be read only.
    pub(crate) fn read_status(&self) -> MutexGuard<'_, FolderStatus> {
        self.status.lock()
    }

    /// Work on the file system begins.
    pub(crate) fn begin_work(&self) -> FolderWork {
        self.activity.begin(&self.progress)
    }

    /// Classifies a file name. Markers and sidecars are not packages.
    pub(crate) fn classify(&self, name: &OsStr) -> NameClass {
        match self.names.classify(name) {
            NameClass::Package | NameClass::Excluded
                if self.spec.ready.companion_of(Path::new(name)).is_some() =>
            {
                NameClass::Other
            }
            class => class,
        }
    }

    /// Whether subfolders of this directory are watched.
    pub(crate) fn may_descend(&self, dir: &Path) -> bool {
        dir.strip_prefix(&self.spec.path).is_ok_and(|below| below.components().count() < self.spec.depth)
    }

    /// Whether other machines may write to this folder.
    pub(crate) fn is_remote(&self) -> bool {
        self.read_status().remote.is_some()
    }

    /// The sidecar of the file at `path`, in folders that have sidecars.
    pub(crate) fn sidecar(&self, path: &Path) -> Option<Identity> {
        self.sidecar_path(path).and_then(|sidecar| Identity::of_file(&self.spec.path, &sidecar))
    }

    /// The path of the sidecar of the file at `path`, in folders that have sidecars.
    pub(crate) fn sidecar_path(&self, path: &Path) -> Option<PathBuf> {
        let has_sidecars = matches!(self.spec.ready, ReadyWhen::Sidecar(_));
        has_sidecars.then(|| self.spec.ready.companion(path)).flatten()
    }

    /// Whether the file system does not respond.
    pub(crate) fn is_hung(&self) -> bool {
        self.progress.silence() > STALL_TIMEOUT
    }

    pub(crate) fn add_to(&self, summary: &mut IntakeSummary) {
        let before = summary.degraded;
        self.read_status().add_to(summary);
        if self.is_hung() {
            summary.degraded = before + 1;
        }
    }

    pub(crate) fn health(&self) -> FolderHealth {
        let status = self.read_status();
        let issue = self.is_hung().then(hung::issue).or_else(|| status.worst_issue());
        let relative = |path: PathBuf| {
            path.strip_prefix(&self.spec.path).map(Path::to_owned).unwrap_or_else(|_| path.clone())
        };
        FolderHealth {
            name: self.spec.name.clone(),
            path: self.spec.path.clone(),
            state: issue.as_ref().map_or(FolderState::Ok, |issue| issue.state),
            reason: issue.as_ref().map(|issue| issue.reason.clone()),
            advice: issue.map(|issue| issue.advice),
            last_scan: status.last_scan,
            candidates: status.candidates,
            ignored: status.ignored.len(),
            last_ignored: status.ignored.newest().into_iter().map(relative).collect(),
            backpressure: status.backpressure.clone(),
            events: self.pending.events(),
            scans: status.scans,
            last_scan_took: status.last_scan_took,
            accepted: status.accepted,
        }
    }
}
