//! Drop folders: which file is new, and when is it finished?
//!
//! Events lie: queues overflow, folders are replaced under the watch, network shares send none. So
//! events are hints, and a full look at the start, at each `poll` and whenever a hint was lost is
//! the truth. A file that a hint names is offered to the [`Desk`] at once; what the desk cannot
//! use yet waits as a candidate and is offered again when it changed, when it has settled, and
//! when it is stale.
//!
//! ```text
//! kernel ──► watch ──► hints ──┐                      ┌──► desk.receive
//!            poll timer ───────┼──► folder ──► consider
//!            candidates due ───┘    (one task)        └──► candidates
//! ```

mod candidates;
mod capture;
mod consider;
mod desk;
mod folder;
mod free;
mod fstype;
mod health;
mod hints;
mod identity;
mod known;
mod lease;
mod line;
mod list;
mod look;
mod names;
mod open;
mod probe;
mod ready;
mod ripe;
mod shared;
mod spec;
mod stack;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use capture::{CaptureError, Captured, capture};
pub use desk::{Desk, Find, NoRoom, Receipt};
pub use free::{Free, Shortage};
pub use health::{FolderHealth, State, Summary};
pub use identity::{Identity, Stamp};
pub use lease::{Writer, writer_present};
pub use names::{Names, is_temporary};
pub use open::open_below;
pub use ready::{Ready, Sidecar};
pub use spec::Spec;

use hints::Hints;
use line::Line;
use shared::{Gates, Shared};
use watch::Watcher;

/// Folders gone through at once.
const PASSES: usize = 4;

/// All drop folders, being watched.
pub struct Intake {
    desk: Arc<dyn Desk>,
    stop: CancellationToken,
    watcher: Arc<Watcher>,
    gates: Gates,
    line: Arc<Line>,
    passes: Arc<Semaphore>,
    folders: Mutex<HashMap<String, Running>>,
}

struct Running {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Intake {
    /// Watches `folders` from now on, until `shutdown` or [`Intake::stop`].
    ///
    /// # Errors
    /// A glob that does not compile; nothing is started then.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start<F: Into<Spec>>(
        folders: Vec<F>,
        desk: Arc<dyn Desk>,
        shutdown: &CancellationToken,
    ) -> Result<Self, globset::Error> {
        let intake = Self {
            desk,
            stop: shutdown.child_token(),
            watcher: Arc::new(Watcher::new()),
            gates: Gates::default(),
            line: Arc::default(),
            passes: Arc::new(Semaphore::new(PASSES)),
            folders: Mutex::new(HashMap::new()),
        };
        for (spec, names) in compile(folders)? {
            intake.begin(spec, names);
        }
        Ok(intake)
    }

    /// Changes to other folders: those that stay the same are not disturbed.
    ///
    /// # Errors
    /// A glob that does not compile; nothing is changed then.
    pub async fn replace<F: Into<Spec>>(&self, folders: Vec<F>) -> Result<(), globset::Error> {
        let wanted = compile(folders)?;
        let ended: Vec<Running> = self
            .running()
            .extract_if(|_, running| !wanted.iter().any(|(spec, _)| *spec == running.shared.spec))
            .map(|(_, running)| running)
            .collect();
        end(ended).await;
        for (spec, names) in wanted {
            let stays = self.running().contains_key(&spec.name);
            if !stays {
                self.begin(spec, names);
            }
        }
        Ok(())
    }

    /// Asks for a full look at a folder, or at all; false if there is no folder of that name.
    pub fn rescan(&self, folder: Option<&str>) -> bool {
        self.watcher.retry();
        let running = self.running();
        let asked = running.iter().filter(|(name, _)| folder.is_none_or(|folder| folder == *name));
        asked.map(|(_, running)| running.shared.hints.dirty()).count() > 0
    }

    /// How each folder fares, by name.
    #[must_use]
    pub fn health(&self) -> Vec<FolderHealth> {
        let mut health: Vec<_> = self.running().values().map(|running| running.shared.health()).collect();
        health.sort_by(|one, other| one.name.cmp(&other.name));
        health
    }

    /// How the folders fare in all; cheap, however many there are.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.running().values().for_each(|running| running.shared.add_to(&mut summary));
        summary
    }

    /// Returns if no lock hangs: that of all folders, and each time another folder's.
    pub fn touch(&self, turn: usize) {
        let running = self.running();
        let count = running.len().max(1);
        drop(running.values().nth(turn % count).map(|running| running.shared.status()));
    }

    /// How often the kernel had to drop events since the start; each was followed by a full look.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.watcher.overflows()
    }

    /// Returns when every folder's first look has ended: all that lay there has been offered once.
    ///
    /// That takes as long as there is no room, or a share hangs; a folder that is not there has been looked at.
    pub async fn first_look_done(&self) {
        let looked: Vec<_> = self.running().values().map(|running| running.shared.looked.clone()).collect();
        for looked in looked {
            looked.cancelled().await;
        }
    }

    /// Stops looking; returns when the desk has given back the last file, after half a minute at the latest.
    pub async fn stop(&self) {
        self.stop.cancel();
        let ended: Vec<Running> = self.running().drain().map(|(_, running)| running).collect();
        end(ended).await;
    }

    fn begin(&self, spec: Spec, names: Names) {
        let stop = self.stop.child_token();
        let (takes, ready, deep) = (names.clone(), spec.ready.clone(), spec.depth > 0);
        let wants = move |path: &Path| {
            // Any name may be a new subfolder's.
            deep || path.file_name().is_some_and(|name| takes.take(name))
                || ready.companion_of(path).is_some()
        };
        let shared = Arc::new(Shared {
            names,
            desk: Arc::clone(&self.desk),
            watcher: Arc::clone(&self.watcher),
            hints: Arc::new(Hints::new(wants)),
            gates: self.gates.clone(),
            line: Arc::clone(&self.line),
            looked: CancellationToken::new(),
            status: Mutex::default(),
            spec,
        });
        let task = folder::Task::new(Arc::clone(&shared), Arc::clone(&self.passes), stop.clone());
        let running = Running { stop, task: tokio::spawn(task.run()), shared };
        self.running().insert(running.shared.spec.name.clone(), running);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn end(ended: Vec<Running>) {
    /// A copy of some GiB may be under way; a share that hangs never ends.
    const GRACE: Duration = Duration::from_secs(30);
    ended.iter().for_each(|running| running.stop.cancel());
    let deadline = tokio::time::Instant::now() + GRACE;
    for mut running in ended {
        let folder = &running.shared.spec.name;
        match tokio::time::timeout_at(deadline, &mut running.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(folder, %error, "a folder's task ended badly"),
            Err(_) => {
                running.task.abort();
                tracing::warn!(folder, seconds = GRACE.as_secs(), "does not stop; its file system may hang");
            }
        }
    }
}

fn compile<F: Into<Spec>>(folders: Vec<F>) -> Result<Vec<(Spec, Names)>, globset::Error> {
    let mut known = HashMap::<_, Names>::new();
    let compiled = folders.into_iter().map(|folder| {
        let spec: Spec = folder.into();
        let globs = (spec.include.clone(), spec.exclude.clone());
        let names = match known.get(&globs) {
            Some(names) => names.clone(),
            None => known.entry(globs).insert_entry(Names::new(&spec.include, &spec.exclude)?).get().clone(),
        };
        Ok((spec, names))
    });
    compiled.collect()
}
