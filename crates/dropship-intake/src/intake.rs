//! All drop folders: start, replace at a reload, report health, stop.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dropship_glob::GlobError;
use dropship_shared_folder::Progress;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::activity::FolderActivity;
use crate::events::PendingEvents;
use crate::fair_queue::FairQueue;
use crate::folder_context::FolderContext;
use crate::folder_task::FolderTask;
use crate::gates::AdmissionGates;
use crate::health::{FolderHealth, IntakeSummary};
use crate::names::{NameClass, NameFilter};
use crate::scan_threads::ScanThreads;
use crate::watch::Watcher;
use crate::{FileReceiver, FolderEvents, FolderSpec, fstype};

/// Maximum time that stopping waits for the tasks. A task may be copying some GiB, and on a hung share it never ends.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The watched drop folders.
pub struct Intake {
    receiver: Arc<dyn FileReceiver>,
    events: Arc<dyn FolderEvents>,
    stop: CancellationToken,
    watcher: Arc<Watcher>,
    gates: AdmissionGates,
    queue: Arc<FairQueue>,
    threads: ScanThreads,
    share_detector: fstype::ShareDetector,
    activity: FolderActivity,
    /// The last counts, and the number of changes before them.
    last_summary: Mutex<Option<(u64, IntakeSummary)>>,
    folders: Mutex<HashMap<String, WatchedFolder>>,
}

pub(crate) struct WatchedFolder {
    pub(crate) context: Arc<FolderContext>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Intake {
    /// Watches `folders` until `shutdown` is cancelled or [`Intake::stop`] is called. Found files go to `receiver`, changes in
    /// the health of folders to `events`.
    ///
    /// # Errors
    /// When a text is not a glob. No folder is watched in that case.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start<F: Into<FolderSpec>>(
        folders: Vec<F>,
        receiver: Arc<dyn FileReceiver>,
        events: Arc<dyn FolderEvents>,
        shutdown: &CancellationToken,
    ) -> Result<Self, GlobError> {
        Self::start_with(folders, receiver, events, shutdown, fstype::remote_kind)
    }

    /// Like [`Intake::start`]; `share_detector` decides which folders are network shares.
    pub(crate) fn start_with<F: Into<FolderSpec>>(
        folders: Vec<F>,
        receiver: Arc<dyn FileReceiver>,
        events: Arc<dyn FolderEvents>,
        shutdown: &CancellationToken,
        share_detector: fstype::ShareDetector,
    ) -> Result<Self, GlobError> {
        let compiled = compile(folders)?;
        let stop = shutdown.child_token();
        let intake = Self {
            receiver,
            events,
            watcher: Arc::new(Watcher::new(stop.clone())),
            stop,
            gates: AdmissionGates::default(),
            queue: Arc::default(),
            threads: ScanThreads::default(),
            share_detector,
            activity: FolderActivity::default(),
            last_summary: Mutex::default(),
            folders: Mutex::new(HashMap::new()),
        };
        for (spec, names) in compiled {
            intake.start_folder(spec, names);
        }
        Ok(intake)
    }

    /// Watches `folders` instead of the present ones. Folders with an unchanged specification keep running.
    ///
    /// # Errors
    /// When a text is not a glob. Nothing is changed in that case.
    pub async fn replace<F: Into<FolderSpec>>(&self, folders: Vec<F>) -> Result<(), GlobError> {
        let new_folders = compile(folders)?;
        let removed: Vec<WatchedFolder> = self
            .folders()
            .extract_if(|_, folder| !new_folders.iter().any(|(spec, _)| *spec == folder.context.spec))
            .map(|(_, folder)| folder)
            .collect();
        self.activity.note();
        stop_all(removed).await;
        for (spec, names) in new_folders {
            let is_watched = self.folders().contains_key(&spec.name);
            if !is_watched {
                self.start_folder(spec, names);
            }
        }
        Ok(())
    }

    /// Requests a full scan of one folder or of all; false if there is no folder of that name.
    pub fn rescan(&self, folder: Option<&str>) -> bool {
        self.watcher.retry();
        let folders = self.folders();
        let selected = folders.iter().filter(|(name, _)| folder.is_none_or(|folder| folder == *name));
        selected.map(|(_, folder)| folder.context.pending.request_scan()).count() > 0
    }

    /// The health of each folder, sorted by name.
    #[must_use]
    pub fn health(&self) -> Vec<FolderHealth> {
        let mut health: Vec<_> = self.folders().values().map(|folder| folder.context.health()).collect();
        health.sort_by(|one, other| one.name.cmp(&other.name));
        health
    }

    /// Counts over all folders. Cheap, even with thousands of folders: the folders are counted again only after a change in one of
    /// them.
    #[must_use]
    pub fn summary(&self) -> IntakeSummary {
        let quiet = self.activity.quiet_since();
        let cached = self.last_summary.lock().filter(|(changes, _)| quiet == Some(*changes));
        if let Some((_, summary)) = cached {
            return summary;
        }
        let mut summary = IntakeSummary::default();
        self.folders().values().for_each(|folder| folder.context.add_to(&mut summary));
        *self.last_summary.lock() = quiet.map(|changes| (changes, summary));
        summary
    }

    /// Takes and releases the lock of the list of folders, and that of one folder, chosen by `turn`. A watchdog calls this to
    /// detect a deadlock: it returns only if both locks can be taken.
    pub fn touch(&self, turn: usize) {
        let folders = self.folders();
        let count = folders.len().max(1);
        drop(folders.values().nth(turn % count).map(|folder| folder.context.read_status()));
    }

    /// The longest time for which the file system of a folder has not responded; zero if all respond.
    #[must_use]
    pub fn silence(&self) -> Duration {
        if self.activity.quiet_since().is_some() {
            return Duration::ZERO;
        }
        self.folders().values().map(|folder| folder.context.progress.silence()).max().unwrap_or_default()
    }

    /// How often the kernel dropped events since the start. A full scan followed each time.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.watcher.overflows()
    }

    /// Returns when the initial scan of every folder has ended: each file found there was offered once.
    ///
    /// Backpressure and hung shares prolong that without limit. The scan of a missing folder ends at once.
    pub async fn initial_scan_done(&self) {
        let scans: Vec<_> =
            self.folders().values().map(|folder| folder.context.initial_scan.clone()).collect();
        for scan in scans {
            scan.cancelled().await;
        }
    }

    /// Stops watching. Returns when the receiver has processed the last file, at the latest after 30 seconds.
    pub async fn stop(&self) {
        self.stop.cancel();
        let folders: Vec<WatchedFolder> = self.folders().drain().map(|(_, folder)| folder).collect();
        self.activity.note();
        stop_all(folders).await;
    }

    fn start_folder(&self, spec: FolderSpec, names: NameFilter) {
        let stop = self.stop.child_token();
        let (filter, ready, is_recursive) = (names.clone(), spec.ready.clone(), spec.depth > 0);
        let is_relevant = move |path: &Path| {
            // In a recursive folder any name may be that of a new subfolder.
            is_recursive
                || path.file_name().is_some_and(|name| filter.classify(name) != NameClass::Other)
                || ready.companion_of(path).is_some()
        };
        let context = Arc::new(FolderContext {
            names,
            receiver: Arc::clone(&self.receiver),
            events: Arc::clone(&self.events),
            watcher: Arc::clone(&self.watcher),
            pending: Arc::new(PendingEvents::new(is_relevant)),
            gates: self.gates.clone(),
            queue: Arc::clone(&self.queue),
            initial_scan: CancellationToken::new(),
            share_detector: self.share_detector,
            status: Mutex::default(),
            progress: Progress::default(),
            activity: self.activity.clone(),
            spec,
        });
        let task = Box::new(FolderTask::new(Arc::clone(&context), self.threads.clone(), stop.clone()));
        let folder = WatchedFolder { stop, task: tokio::spawn(task.run()), context };
        self.folders().insert(folder.context.spec.name.clone(), folder);
        self.activity.note();
    }

    pub(crate) fn folders(&self) -> MutexGuard<'_, HashMap<String, WatchedFolder>> {
        self.folders.lock()
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn stop_all(folders: Vec<WatchedFolder>) {
    folders.iter().for_each(|folder| folder.stop.cancel());
    let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
    for mut folder in folders {
        let name = &folder.context.spec.name;
        match tokio::time::timeout_at(deadline, &mut folder.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(folder = name, "the task of folder `{name}` failed: {error}");
            }
            Err(_) => {
                folder.task.abort();
                let seconds = STOP_TIMEOUT.as_secs();
                tracing::warn!(
                    folder = name,
                    "folder `{name}` did not stop within {seconds} s; its file system may hang"
                );
            }
        }
    }
}

/// Compiles the globs; folders with equal globs share the compiled form.
fn compile<F: Into<FolderSpec>>(folders: Vec<F>) -> Result<Vec<(FolderSpec, NameFilter)>, GlobError> {
    let mut shared = HashMap::<_, NameFilter>::new();
    let compiled = folders.into_iter().map(|folder| {
        let spec: FolderSpec = folder.into();
        let globs = (spec.include.clone(), spec.exclude.clone());
        let names = match shared.get(&globs) {
            Some(names) => names.clone(),
            None => {
                shared.entry(globs).insert_entry(NameFilter::new(&spec.include, &spec.exclude)?).get().clone()
            }
        };
        Ok((spec, names))
    });
    compiled.collect()
}
