//! What a folder's task, its blocking work and the outside see of it alike.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::health::{FolderHealth, State, Summary, Trouble};
use super::hints::Hints;
use super::line::Line;
use super::names::Names;
use super::spec::Spec;
use super::watch::Watcher;
use super::{Desk, Identity, Ready, Stamp};

/// How many files are taken in at once, over all folders; first come, first served.
///
/// Two gates, so that a share that hangs does not stand in the way of local folders.
#[derive(Debug, Clone)]
pub(super) struct Gates {
    pub(super) local: Arc<Semaphore>,
    pub(super) remote: Arc<Semaphore>,
}

impl Default for Gates {
    fn default() -> Self {
        const AT_ONCE: usize = 4;
        let gate = || Arc::new(Semaphore::new(AT_ONCE));
        Self { local: gate(), remote: gate() }
    }
}

/// One folder.
pub(super) struct Shared {
    pub(super) spec: Spec,
    pub(super) names: Names,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) watcher: Arc<Watcher>,
    pub(super) hints: Arc<Hints>,
    pub(super) gates: Gates,
    /// Who is next when there is room for one file.
    pub(super) line: Arc<Line>,
    /// Cancelled when the first look has ended.
    pub(super) looked: CancellationToken,
    pub(super) status: Mutex<Status>,
}

/// What changes of a folder's health.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Name of the file system, if other machines may write to it.
    pub(super) remote: Option<&'static str>,
    /// It was a mount point once.
    pub(super) was_mount: bool,
    /// From the last full look, worst first.
    pub(super) troubles: Vec<Trouble>,
    /// One file that may not be read.
    pub(super) unreadable: Option<Trouble>,
    /// When it was last tried whether events arrive.
    pub(super) probed: Option<Instant>,
    /// Events do not arrive at all.
    pub(super) deaf: Option<Trouble>,
    /// Events do not arrive of all that happens; when that was last seen.
    pub(super) missed: Option<(Instant, Trouble)>,
    /// Since when every change should have been told; absent: it cannot be said.
    pub(super) told_since: Option<Stamp>,
    pub(super) paused: Option<String>,
    pub(super) last_look_took: Duration,
    pub(super) taken: u64,
    pub(super) last_look: Option<Timestamp>,
    pub(super) looks: u64,
    pub(super) candidates: usize,
}

impl Shared {
    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May a file of this name be a package? Markers and sidecars are none.
    pub(super) fn takes(&self, name: &OsStr) -> bool {
        self.names.take(name) && self.spec.ready.companion_of(Path::new(name)).is_none()
    }

    /// May subfolders of this directory be looked into?
    pub(super) fn may_descend(&self, dir: &Path) -> bool {
        dir.strip_prefix(&self.spec.path).is_ok_and(|below| below.components().count() < self.spec.depth)
    }

    /// Do other machines write to this folder?
    pub(super) fn is_remote(&self) -> bool {
        self.status().remote.is_some()
    }

    /// What lies beside a file and belongs to it, in folders that have such.
    pub(super) fn sidecar(&self, path: &Path) -> Option<Identity> {
        let has = matches!(self.spec.ready, Ready::Sidecar(_));
        has.then(|| self.spec.ready.companion(path)).flatten().and_then(|beside| Identity::of_file(&beside))
    }

    /// How long a file must be unchanged to count as settled.
    pub(super) fn settle(&self, size: u64) -> Duration {
        /// Attributes of remote files are cached for some seconds.
        const REMOTE: u32 = 3;
        /// Scanners and scripts make an empty file first and fill it when they have something.
        const EMPTY: Duration = Duration::from_secs(60);
        /// However impatient: looking must not become all that we do.
        const LEAST: Duration = Duration::from_millis(10);
        let settle = self.spec.settle.max(LEAST) * if self.is_remote() { REMOTE } else { 1 };
        if size == 0 { settle.max(EMPTY.min(self.spec.incomplete)) } else { settle }
    }

    pub(super) fn add_to(&self, summary: &mut Summary) {
        let status = self.status();
        let mut troubles = status.troubles.iter().chain(&status.unreadable);
        summary.folders += 1;
        summary.degraded += usize::from(troubles.any(|trouble| trouble.state == State::Degraded));
        summary.no_room += usize::from(status.paused.is_some());
        summary.candidates += status.candidates;
    }

    pub(super) fn health(&self) -> FolderHealth {
        let status = self.status();
        let remote = status.remote.map(|kind| {
            Trouble::polling(
                format!("{kind} does not tell of changes that other machines make"),
                "nothing to do; lower `poll` if 30s is too long, or let the build server write to a local disk",
            )
        });
        let missed = status.missed.as_ref().map(|(_, trouble)| trouble);
        let of_events = status.deaf.iter().chain(missed).chain(&remote);
        let troubles = status.troubles.iter().chain(&status.unreadable).chain(of_events);
        let worst = troubles.max_by_key(|trouble| trouble.state == State::Degraded);
        FolderHealth {
            name: self.spec.name.clone(),
            path: self.spec.path.clone(),
            state: worst.map_or(State::Ok, |trouble| trouble.state),
            why: worst.map(|trouble| trouble.why.clone()),
            advice: worst.map(|trouble| trouble.advice.clone()),
            last_look: status.last_look,
            candidates: status.candidates,
            paused: status.paused.clone(),
            events: self.hints.events(),
            looks: status.looks,
            last_look_took: status.last_look_took,
            taken: status.taken,
        }
    }
}
