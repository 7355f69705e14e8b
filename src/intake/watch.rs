//! Events from the kernel, all folders on one inotify instance, as hints.
//!
//! **Why notify 9 and not 8.2.** 8.2 asks the kernel for every write and every open. Measured: one
//! 1 GiB file written into a folder in pieces of 64 KiB woke it 15,809 times, which nearly overflows
//! the kernel's queue of 16,384, and each file that we open ourselves wakes us again. 9 lets us name
//! the kinds of events and hands them to the kernel as a mask: with ours the same copy is two
//! events and reading is none (`tests/slow.rs` and `tests/watching.rs` count them), and an
//! unmounted folder is told, of which 8.2 says nothing. The `inotify` crate could do that too, but
//! knows neither paths nor any other system. 9 is a release candidate: its version is pinned, and
//! all use of it is in this file and in `probe.rs`.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{
    Config, ErrorKind, Event, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _,
};

use super::health::Trouble;
use super::hints::{Hints, Said};
use super::probe::probe;

/// After the system ran out of watches or instances, asking again costs little but helps seldom.
const AGAIN: Duration = Duration::from_secs(3600);

/// A device of which no events came may only have been slow.
const DEAF: Duration = Duration::from_secs(600);

/// All watches of all folders.
pub(super) struct Watcher {
    routes: Arc<Routes>,
    kernel: Mutex<Kernel>,
    /// By device: when it was tried whether events arrive, and what came of it.
    tried: Mutex<HashMap<u64, (Instant, bool)>>,
}

struct Kernel {
    watcher: Option<RecommendedWatcher>,
    /// What notify was asked to watch. It goes through all of it whenever one is to go, so it is asked only for these.
    held: HashSet<Arc<Path>>,
    refused: Option<(Instant, Trouble)>,
}

/// Which folders want to hear of which directory.
#[derive(Default)]
struct Routes {
    overflows: AtomicU64,
    dirs: RwLock<HashMap<Arc<Path>, Route>>,
}

struct Route {
    dev: u64,
    ino: u64,
    ears: Vec<Arc<Hints>>,
}

impl Watcher {
    pub(super) fn new() -> Self {
        Self {
            routes: Arc::new(Routes::default()),
            kernel: Mutex::new(Kernel { watcher: None, held: HashSet::new(), refused: None }),
            tried: Mutex::default(),
        }
    }

    /// Sees to it that events in this very directory reach `ears`; cheap if they do already.
    /// True: they do from now on only.
    ///
    /// May block; never called from where events are read.
    pub(super) fn ensure(&self, dir: &Path, dev: u64, ino: u64, ears: &Arc<Hints>) -> Result<bool, Trouble> {
        let known = self.routes.read(|dirs| {
            let route = dirs.get(dir).filter(|route| (route.dev, route.ino) == (dev, ino))?;
            Some(route.hears(ears))
        });
        if known == Some(true) {
            return Ok(false);
        }
        let mut kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, trouble)) = &kernel.refused
            && when.elapsed() < AGAIN
        {
            return Err(trouble.clone());
        }
        let dir: Arc<Path> = dir.into();
        if known.is_none() {
            kernel.refused = None;
            if let Err((trouble, lasting)) = kernel.watch(&self.routes, &dir) {
                kernel.refused = lasting.then(|| (Instant::now(), trouble.clone()));
                return Err(trouble);
            }
        }
        self.routes.write(|dirs| {
            let route = dirs.entry(Arc::clone(&dir)).or_insert_with(|| Route { dev, ino, ears: Vec::new() });
            (route.dev, route.ino) = (dev, ino);
            if !route.hears(ears) {
                route.ears.push(Arc::clone(ears));
            }
        });
        ears.dirs.lock().unwrap_or_else(PoisonError::into_inner).insert(dir);
        Ok(true)
    }

    /// Do events arrive from `dir`, which lies on `dev`? Tried now and then for a device, not for each folder: an inotify
    /// instance for each of ten thousand takes longer than all else of a start.
    pub(super) fn arrive(&self, dir: &Path, dev: u64) -> Result<bool, notify::Error> {
        let tried = || self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, arrive)) = tried().get(&dev)
            && when.elapsed() < if *arrive { AGAIN } else { DEAF }
        {
            return Ok(*arrive);
        }
        // Not while others wait: a share may hang.
        let arrive = probe(dir)?;
        tried().insert(dev, (Instant::now(), arrive));
        Ok(arrive)
    }

    /// Asks again at the next chance, though the system had no watches to spare or a device told nothing.
    pub(super) fn retry(&self) {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (_, arrive)| *arrive);
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner).refused = None;
    }

    /// How often the kernel had to drop events since the start.
    pub(super) fn overflows(&self) -> u64 {
        self.routes.overflows.load(Ordering::Relaxed)
    }

    /// Stops telling `ears` of all directories but those that `keep` names.
    pub(super) fn release(&self, ears: &Arc<Hints>, keep: impl Fn(&Path) -> bool) {
        let mut heard = ears.dirs.lock().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<_> = heard.extract_if(|dir| !keep(dir)).collect();
        drop(heard);
        if left.is_empty() {
            return;
        }
        let unwanted = self.routes.write(|dirs| {
            let deserted = left.into_iter().filter(|dir| {
                let Some(route) = dirs.get_mut(dir) else { return false };
                route.ears.retain(|other| !Arc::ptr_eq(other, ears));
                let deserted = route.ears.is_empty();
                if deserted {
                    dirs.remove(dir);
                }
                deserted
            });
            deserted.collect::<Vec<_>>()
        });
        let mut kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        for dir in unwanted {
            kernel.unwatch(&dir);
        }
    }
}

#[cfg(test)]
impl Watcher {
    /// The kernel tells no more of `dir`, and nobody knows.
    pub(super) fn deafen(&self, dir: &Path) {
        self.kernel.lock().unwrap().unwatch(dir);
    }

    /// The thread that reads events stands still at the next one until `act` has ended.
    pub(super) fn while_deaf(&self, act: impl FnOnce()) {
        self.routes.write(|_| act());
    }
}

impl Kernel {
    /// The error's flag: it is the system's limit, and the next directory would meet it too.
    fn watch(&mut self, routes: &Arc<Routes>, dir: &Arc<Path>) -> Result<(), (Trouble, bool)> {
        if self.watcher.is_none() {
            let routes = Arc::clone(routes);
            let mask = EventKindMask::CREATE
                | EventKindMask::REMOVE
                | EventKindMask::MODIFY_NAME
                | EventKindMask::ACCESS_CLOSE;
            let config = Config::default().with_event_kinds(mask).with_follow_symlinks(false);
            let watcher = RecommendedWatcher::new(move |event| routes.tell(event), config)
                .map_err(|error| (no_instance(&error), true))?;
            self.watcher = Some(watcher);
        }
        // notify goes by paths: it would keep a watch on what was moved away from this one.
        self.unwatch(dir);
        let Some(watcher) = &mut self.watcher else {
            return Ok(());
        };
        watcher.watch(dir, RecursiveMode::NonRecursive).map_err(|error| no_watch(dir, &error))?;
        self.held.insert(Arc::clone(dir));
        Ok(())
    }

    fn unwatch(&mut self, dir: &Path) {
        if self.held.remove(dir)
            && let Some(watcher) = &mut self.watcher
            && let Err(error) = watcher.unwatch(dir)
        {
            // The kernel drops the watch of a deleted or unmounted directory by itself.
            tracing::trace!(dir = %dir.display(), %error, "watch was gone already");
        }
    }
}

impl Route {
    fn hears(&self, ears: &Arc<Hints>) -> bool {
        self.ears.iter().any(|other| Arc::ptr_eq(other, ears))
    }
}

impl Routes {
    // Neither lock is ever held while notify is called: it answers from the thread that `tell` runs on.
    fn read<T>(&self, with: impl FnOnce(&HashMap<Arc<Path>, Route>) -> T) -> T {
        with(&self.dirs.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut HashMap<Arc<Path>, Route>) -> T) -> T {
        with(&mut self.dirs.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs on the thread that reads events: no system calls, no waiting.
    fn tell(&self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) if event.need_rescan() => {
                self.overflows.fetch_add(1, Ordering::Relaxed);
                return self
                    .all_dirty("the kernel's event queue overflowed (sysctl fs.inotify.max_queued_events)");
            }
            Ok(event) => event,
            Err(error) => return self.all_dirty(&format!("reading events failed: {error}")),
        };
        let Some(path) = event.paths.first() else { return };
        match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
            | EventKind::Create(CreateKind::Folder) => self.one(path, Said::Finished),
            EventKind::Create(_) => self.one(path, Said::Made),
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => {
                self.lost(path);
                self.one(path, Said::Removed);
            }
            _ => {}
        }
    }

    fn one(&self, path: &Path, said: Said) {
        let Some(dir) = path.parent() else { return };
        self.read(|dirs| {
            for ears in dirs.get(dir).into_iter().flat_map(|route| &route.ears) {
                ears.path(path.to_owned(), said);
            }
        });
    }

    /// If `dir` was watched: it was deleted, moved away or unmounted, and is watched no more.
    fn lost(&self, dir: &Path) {
        if !self.read(|dirs| dirs.contains_key(dir)) {
            return;
        }
        if let Some(route) = self.write(|dirs| dirs.remove(dir)) {
            tracing::debug!(dir = %dir.display(), "watched directory is gone");
            route.ears.iter().for_each(|ears| ears.dirty());
        }
    }

    fn all_dirty(&self, why: &str) {
        tracing::warn!(why, "events were lost; looking at all folders");
        self.read(|dirs| dirs.values().flat_map(|route| &route.ears).for_each(|ears| ears.dirty()));
    }
}

fn no_instance(error: &notify::Error) -> Trouble {
    Trouble::polling(
        format!("events are not to be had: {error}"),
        "raise sysctl fs.inotify.max_user_instances (128 is the usual default), or end other programs of this user",
    )
}

fn no_watch(dir: &Path, error: &notify::Error) -> (Trouble, bool) {
    let at = dir.display();
    match &error.kind {
        ErrorKind::MaxFilesWatch => (
            Trouble::polling(
                format!("no inotify watch is left for {at}"),
                "raise sysctl fs.inotify.max_user_watches, for good in /etc/sysctl.d/",
            ),
            true,
        ),
        ErrorKind::PathNotFound => (Trouble::unreadable(dir, &io::ErrorKind::NotFound.into()), false),
        ErrorKind::Io(error) => (Trouble::unreadable(dir, error), false),
        _ => (Trouble::polling(format!("{at} cannot be watched: {error}"), "see the message"), false),
    }
}
