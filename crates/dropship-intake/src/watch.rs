//! Receives events from the kernel, which are only hints. One inotify instance serves all folders.
//!
//! **Why notify 9 and not 8.2.** Version 8.2 asks the kernel for every write and every open. A file of 1 GiB that is
//! written in pieces of 64 KiB wakes the process 15,809 times, which nearly overflows the kernel's queue of 16,384 events,
//! and each file that this process opens wakes it again. Version 9 passes a mask of event kinds to the kernel: with ours the
//! same copy causes two events and reading causes none (`tests/watching.rs` counts them), and it reports unmounts, which 8.2
//! does not. The `inotify` crate offers masks too, but knows neither paths nor other systems. Version 9 is a release
//! candidate: it is pinned, and only this file and `probe.rs` use it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _,
};
use parking_lot::{Mutex, MutexGuard, RwLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::events::{FileEvent, PendingEvents};
use crate::folder_issue::FolderIssue;
use crate::probe::probe;

/// Time after the kernel refused a watch until the next attempt. One attempt is cheap, and an administrator can raise the limit
/// at any time.
const REFUSED_INTERVAL: Duration = Duration::from_secs(8);

/// Interval between tests of a device whose events arrived.
const TESTED_DEVICE_INTERVAL: Duration = Duration::from_secs(3600);

/// Interval between tests of a device whose events did not arrive: it may just have been slow.
const SILENT_DEVICE_INTERVAL: Duration = Duration::from_secs(600);

/// The watches of all folders.
pub(crate) struct Watcher {
    routes: Arc<EventRoutes>,
    kernel: Mutex<KernelWatches>,
    /// By device: when the arrival of events was tested, and the result.
    tested_devices: Mutex<HashMap<u64, (Instant, bool)>>,
    /// Cancelled when no folder is watched any more.
    stop: CancellationToken,
}

struct KernelWatches {
    watcher: Option<RecommendedWatcher>,
    /// Directories that notify watches. Removing a watch costs notify a pass over all of them, so only these are removed.
    watched: HashSet<Arc<Path>>,
    /// When the system refused a watch, and why.
    refused: Option<(Instant, FolderIssue)>,
}

/// The folders that receive the events of each directory.
#[derive(Default)]
struct EventRoutes {
    overflows: AtomicU64,
    dirs: RwLock<HashMap<Arc<Path>, EventRoute>>,
}

struct EventRoute {
    dev: u64,
    ino: u64,
    subscribers: Vec<Arc<PendingEvents>>,
}

/// Why a directory is not watched.
struct WatchRefused {
    issue: FolderIssue,
    /// True for a limit of the system: the next directory would be refused too.
    is_system_limit: bool,
}

impl Watcher {
    /// Watches until `stop` is cancelled.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        let kernel = KernelWatches { watcher: None, watched: HashSet::new(), refused: None };
        Self {
            routes: Arc::new(EventRoutes::default()),
            kernel: Mutex::new(kernel),
            tested_devices: Mutex::default(),
            stop,
        }
    }

    /// Ensures that events of the directory with this device and inode reach `subscriber`; cheap if they do already. Returns
    /// true if the subscription is new.
    ///
    /// May block. Never called on the thread that reads events.
    pub(crate) fn ensure(
        &self,
        dir: &Path,
        dev: u64,
        ino: u64,
        subscriber: &Arc<PendingEvents>,
    ) -> Result<bool, FolderIssue> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        let has_subscriber = self.routes.read(|dirs| {
            let route = dirs.get(dir).filter(|route| (route.dev, route.ino) == (dev, ino))?;
            Some(route.has_subscriber(subscriber))
        });
        if has_subscriber == Some(true) {
            return Ok(false);
        }
        let mut kernel = self.kernel();
        if let Some((when, issue)) = &kernel.refused
            && when.elapsed() < REFUSED_INTERVAL
        {
            return Err(issue.clone());
        }
        let dir: Arc<Path> = dir.into();
        if has_subscriber.is_none() {
            kernel.refused = None;
            if let Err(WatchRefused { issue, is_system_limit }) = kernel.watch(&self.routes, &dir) {
                kernel.refused = is_system_limit.then(|| (Instant::now(), issue.clone()));
                return Err(issue);
            }
        }
        self.routes.write(|dirs| {
            let new = || EventRoute { dev, ino, subscribers: Vec::new() };
            let route = dirs.entry(Arc::clone(&dir)).or_insert_with(new);
            (route.dev, route.ino) = (dev, ino);
            if !route.has_subscriber(subscriber) {
                route.subscribers.push(Arc::clone(subscriber));
            }
        });
        subscriber.dirs().insert(dir);
        Ok(true)
    }

    /// Whether events of `dir`, which is on device `dev`, arrive. The result is kept for the device: a test needs its own
    /// inotify instance, and one for each of ten thousand folders would take most of the time of a start.
    pub(crate) fn events_arrive(&self, dir: &Path, dev: u64) -> Result<bool, notify::Error> {
        if let Some((when, arrive)) = self.tested_devices().get(&dev)
            && when.elapsed() < if *arrive { TESTED_DEVICE_INTERVAL } else { SILENT_DEVICE_INTERVAL }
        {
            return Ok(*arrive);
        }
        // The lock is not held here: a share may hang.
        let arrive = probe(dir)?;
        self.tested_devices().insert(dev, (Instant::now(), arrive));
        Ok(arrive)
    }

    /// Makes the next scan try again to watch and to test devices that failed before.
    pub(crate) fn retry(&self) {
        self.tested_devices().retain(|_, (_, arrive)| *arrive);
        self.kernel().refused = None;
    }

    /// How often the kernel dropped events since the start.
    pub(crate) fn overflows(&self) -> u64 {
        self.routes.overflows.load(Ordering::Relaxed)
    }

    /// Ends the subscription to all directories for which `keep` returns false.
    pub(crate) fn release(&self, subscriber: &Arc<PendingEvents>, keep: impl Fn(&Path) -> bool) {
        let released: Vec<_> = subscriber.dirs().extract_if(|dir| !keep(dir)).collect();
        if released.is_empty() {
            return;
        }
        let unsubscribed = self.routes.write(|dirs| {
            let unsubscribed = released.into_iter().filter(|dir| {
                let Some(route) = dirs.get_mut(dir) else { return false };
                route.subscribers.retain(|other| !Arc::ptr_eq(other, subscriber));
                let is_unsubscribed = route.subscribers.is_empty();
                if is_unsubscribed {
                    dirs.remove(dir);
                }
                is_unsubscribed
            });
            unsubscribed.collect::<Vec<_>>()
        });
        let mut kernel = self.kernel();
        if self.stop.is_cancelled() {
            // Ends all watches at once.
            kernel.watcher = None;
            kernel.watched.clear();
        }
        for dir in unsubscribed {
            kernel.unwatch(&dir);
        }
    }

    fn kernel(&self) -> MutexGuard<'_, KernelWatches> {
        self.kernel.lock()
    }

    fn tested_devices(&self) -> MutexGuard<'_, HashMap<u64, (Instant, bool)>> {
        self.tested_devices.lock()
    }
}

#[cfg(test)]
impl Watcher {
    /// Removes the kernel's watch of `dir` without a trace, as if its events were lost.
    pub(crate) fn silence(&self, dir: &Path) {
        self.kernel().unwatch(dir);
    }

    /// Blocks the thread that reads events at its next event until `act` has ended.
    pub(crate) fn block_while(&self, act: impl FnOnce()) {
        self.routes.write(|_| act());
    }
}

impl KernelWatches {
    fn watch(&mut self, routes: &Arc<EventRoutes>, dir: &Arc<Path>) -> Result<(), WatchRefused> {
        if self.watcher.is_none() {
            let routes = Arc::clone(routes);
            let mask = EventKindMask::CREATE
                | EventKindMask::REMOVE
                | EventKindMask::MODIFY_NAME
                | EventKindMask::ACCESS_CLOSE;
            let config = Config::default().with_event_kinds(mask).with_follow_symlinks(false);
            let watcher = RecommendedWatcher::new(move |event| routes.dispatch(event), config)
                .map_err(|error| no_instance(&error))?;
            self.watcher = Some(watcher);
        }
        // notify identifies watches by path: it would keep that of a directory that was moved away from this path.
        self.unwatch(dir);
        let Some(watcher) = &mut self.watcher else {
            return Ok(());
        };
        watcher.watch(dir, RecursiveMode::NonRecursive).map_err(|error| no_watch(dir, &error))?;
        self.watched.insert(Arc::clone(dir));
        Ok(())
    }

    fn unwatch(&mut self, dir: &Path) {
        if self.watched.remove(dir)
            && let Some(watcher) = &mut self.watcher
            && let Err(error) = watcher.unwatch(dir)
        {
            // The kernel removes the watch of a deleted or unmounted directory automatically.
            tracing::trace!(dir = %dir.display(), "watch was already removed: {error}");
        }
    }
}

impl EventRoute {
    fn has_subscriber(&self, subscriber: &Arc<PendingEvents>) -> bool {
        self.subscribers.iter().any(|other| Arc::ptr_eq(other, subscriber))
    }
}

impl EventRoutes {
    // Neither lock is held while notify is called, because notify waits for the thread that `dispatch` runs on.
    fn read<T>(&self, with: impl FnOnce(&HashMap<Arc<Path>, EventRoute>) -> T) -> T {
        with(&self.dirs.read())
    }

    fn write<T>(&self, with: impl FnOnce(&mut HashMap<Arc<Path>, EventRoute>) -> T) -> T {
        with(&mut self.dirs.write())
    }

    /// Runs on the thread that reads events: no system calls, no waiting.
    fn dispatch(&self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) if event.need_rescan() => {
                self.overflows.fetch_add(1, Ordering::Relaxed);
                return self
                    .scan_all("the kernel's event queue overflowed (sysctl fs.inotify.max_queued_events)");
            }
            Ok(event) => event,
            Err(error) => return self.scan_all(&format!("reading events failed: {error}")),
        };
        let Some(path) = event.paths.first() else { return };
        match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
            | EventKind::Create(CreateKind::Folder) => self.publish(path, FileEvent::Finished),
            EventKind::Create(_) => self.publish(path, FileEvent::Created),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => {
                self.on_directory_removed(path);
                self.publish(path, FileEvent::Removed);
            }
            _ => {}
        }
    }

    fn publish(&self, path: &Path, event: FileEvent) {
        let Some(dir) = path.parent() else { return };
        self.read(|dirs| {
            for subscriber in dirs.get(dir).into_iter().flat_map(|route| &route.subscribers) {
                subscriber.push(path.to_owned(), event);
            }
        });
    }

    /// Handles the deletion, move or unmount of `dir`. If it was watched, its watch is gone.
    fn on_directory_removed(&self, dir: &Path) {
        if !self.read(|dirs| dirs.contains_key(dir)) {
            return;
        }
        if let Some(route) = self.write(|dirs| dirs.remove(dir)) {
            tracing::debug!(dir = %dir.display(), "watched directory is gone");
            route.subscribers.iter().for_each(|subscriber| subscriber.request_scan());
        }
    }

    fn scan_all(&self, reason: &str) {
        tracing::warn!("events were lost: {reason}; scanning all folders");
        self.read(|dirs| {
            let subscribers = dirs.values().flat_map(|route| &route.subscribers);
            subscribers.for_each(|subscriber| subscriber.request_scan());
        });
    }
}

fn no_instance(error: &notify::Error) -> WatchRefused {
    let issue = FolderIssue::polling(
        format!("no events are available: {error}"),
        "raise sysctl fs.inotify.max_user_instances (the default is 128), or stop other programs of this user",
    );
    WatchRefused { issue, is_system_limit: true }
}

fn no_watch(dir: &Path, error: &notify::Error) -> WatchRefused {
    let at = dir.display();
    let issue = match &error.kind {
        ErrorKind::MaxFilesWatch => FolderIssue::polling(
            format!("no inotify watch is left for {at}"),
            "raise sysctl fs.inotify.max_user_watches, permanently in /etc/sysctl.d/",
        ),
        ErrorKind::PathNotFound => FolderIssue::unreadable(dir, &io::ErrorKind::NotFound.into()),
        ErrorKind::Io(error) => FolderIssue::unreadable(dir, error),
        _ => FolderIssue::polling(format!("cannot watch {at}: {error}"), "see the message"),
    };
    WatchRefused { issue, is_system_limit: matches!(error.kind, ErrorKind::MaxFilesWatch) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn stopped_watcher_ends_all_watches_at_once() {
        let (stop, folder) = (CancellationToken::new(), tempfile::tempdir().unwrap());
        let watcher = Watcher::new(stop.clone());
        let subscriptions: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let (dir, subscriber) = (folder.path().join(name), Arc::new(PendingEvents::new(|_| true)));
                std::fs::create_dir(&dir).unwrap();
                let metadata = dir.metadata().unwrap();
                assert!(watcher.ensure(&dir, metadata.dev(), metadata.ino(), &subscriber).unwrap());
                (dir, metadata, subscriber)
            })
            .collect();
        let [(_, _, first), (dir, metadata, second), _] = &subscriptions[..] else { panic!("three") };
        watcher.release(first, |_| false);
        assert_eq!(watcher.kernel().watched.len(), 2, "only its own");
        stop.cancel();
        watcher.release(second, |_| false);
        let is_left = |kernel: &KernelWatches| !kernel.watched.is_empty() || kernel.watcher.is_some();
        assert!(!is_left(&watcher.kernel()));
        let watched = watcher.ensure(dir, metadata.dev(), metadata.ino(), second).unwrap();
        assert!(!watched && !is_left(&watcher.kernel()), "nothing is watched after the stop");
    }
}
