//! A look at a folder or a subfolder: passes over it until every unknown file has been offered once.

use std::collections::{HashSet, VecDeque};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::fstype;
use super::health::Trouble;
use super::list::{Age, Memory, Pass, pass};
use super::shared::Shared;
use super::{Identity, Stamp};

/// A look under way.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) start: PathBuf,
    /// Of the whole folder; only such a look can say that something is gone.
    pub(super) full: bool,
    /// Counts the looks of this folder.
    pub(super) number: u64,
    /// When the first look of this run began, if it is that one.
    pub(super) backlog_before: Option<Stamp>,
    pub(super) began: Instant,
    /// The wall clock at that time.
    wall: Stamp,
    /// How long the last pass took: what a look costs when nothing is new.
    pub(super) passing: Duration,
    /// Found and not offered yet, oldest first.
    pub(super) queue: VecDeque<Age>,
    /// Another pass is needed, from there on.
    pub(super) pass_due: bool,
    pub(super) come: Option<Age>,
    pub(super) complete: bool,
    pub(super) dirs: HashSet<PathBuf>,
    pub(super) devs: Vec<u64>,
    pub(super) troubles: Vec<Trouble>,
    /// The desk was told what the look did not see.
    pub(super) told_gone: bool,
    /// What changed since this time and before the look should have been told.
    pub(super) told_since: Option<Stamp>,
}

impl Look {
    pub(super) fn new(start: PathBuf, full: bool, number: u64, first: bool) -> Self {
        Self {
            start,
            full,
            number,
            backlog_before: first.then(Stamp::now),
            began: Instant::now(),
            wall: Stamp::now(),
            passing: Duration::ZERO,
            queue: VecDeque::new(),
            pass_due: true,
            come: None,
            complete: true,
            dirs: HashSet::new(),
            devs: Vec::new(),
            troubles: Vec::new(),
            told_gone: false,
            told_since: None,
        }
    }

    /// One that came to no end.
    pub(super) fn failed(start: PathBuf, number: u64) -> Self {
        Self { complete: false, ..Self::new(start, true, number, false) }
    }

    /// One pass; blocks.
    pub(super) fn pass(&mut self, shared: &Shared, memory: &mut Memory) {
        let start = Instant::now();
        if self.full {
            self.troubles = mount_trouble(shared).into_iter().collect();
        }
        let Pass { found, more, dirs, devs, troubles, broken } =
            pass(shared, memory, &self.start, self.come.as_ref(), self.number);
        self.come = found.last().cloned();
        self.queue = found.into();
        self.pass_due = more;
        self.complete &= !broken;
        self.dirs = dirs;
        self.devs = devs;
        self.troubles.extend(troubles);
        self.passing = start.elapsed();
        if let (true, true, Some(dev)) = (self.full, self.troubles.is_empty(), self.devs.first()) {
            self_test(shared, *dev);
        }
    }

    /// A file that nobody knew was found by looking: should an event have told of it?
    ///
    /// This finds what no probe can: folders that others write to behind the kernel's back, as into
    /// a container's mount.
    pub(super) fn bear_witness(&self, shared: &Shared, path: &Path) {
        /// Time stamps are some milliseconds old when they are given; events take as long.
        const LATE: i64 = 2;
        let Some(since) = self.told_since else { return };
        let Ok(meta) = std::fs::symlink_metadata(path) else {
            return;
        };
        let at = Identity::from(&meta).ctime.secs;
        if at <= since.secs + LATE || at >= self.wall.secs - LATE {
            return;
        }
        let trouble = Trouble::polling(
            format!("{} came, and no event told of it: not all changes are told here", path.display()),
            "another machine, container or host writes here; lower `poll` if that is too slow",
        );
        let mut status = shared.status();
        if status.missed.replace((Instant::now(), trouble.clone())).is_none() {
            trouble.tell(&shared.spec.name);
        }
    }

    /// Every unknown file has been offered.
    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty() && !self.pass_due
    }
}

/// Tries each hour whether events arrive.
fn self_test(shared: &Shared, dev: u64) {
    const EACH: Duration = Duration::from_secs(3600);
    let status = shared.status();
    // Of a device that told nothing the watcher knows when to try again.
    if status.deaf.is_none() && status.probed.is_some_and(|when| when.elapsed() < EACH) {
        return;
    }
    drop(status);
    let deaf = match shared.watcher.arrive(&shared.spec.path, dev) {
        Ok(arrive) => (!arrive).then(|| {
            Trouble::polling(
                format!("events of {} do not arrive", shared.spec.path.display()),
                "a sandbox or file system that swallows inotify; lower `poll`, or run outside of it",
            )
        }),
        Err(error) => {
            tracing::debug!(folder = %shared.spec.name, %error, "cannot try whether events arrive");
            None
        }
    };
    let mut status = shared.status();
    status.probed = Some(Instant::now());
    status.missed.take_if(|(when, _)| when.elapsed() >= EACH);
    if let Some(trouble) = deaf.as_ref().filter(|_| status.deaf.is_none()) {
        trouble.tell(&shared.spec.name);
    }
    status.deaf = deaf;
}

/// What the mount says: is it another machine's, and is it still there?
fn mount_trouble(shared: &Shared) -> Option<Trouble> {
    let root = &shared.spec.path;
    let remote = fstype::shared(root).ok()?;
    let mounted = is_mount(root)?;
    let mut status = shared.status();
    status.remote = remote;
    let lost = status.was_mount && !mounted;
    status.was_mount |= mounted;
    drop(status);
    lost.then(|| {
        let at = root.display();
        Trouble::degraded(
            format!("nothing is mounted at {at} any more: what lies there now is the empty place below"),
            format!("mount it again (`findmnt {at}`, `systemctl status` of its .mount unit); it is taken up by itself"),
        )
    })
}

fn is_mount(root: &Path) -> Option<bool> {
    let dev = std::fs::metadata(root).ok()?.dev();
    let above = std::fs::metadata(root.join("..")).ok()?.dev();
    Some(dev != above)
}
