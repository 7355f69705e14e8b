//! Where found files are taken: captured, inspected, matched with a rule, and queued as jobs.
//!
//! The bytes that count are those of the captured copy. A job begins when the verdict is final: a
//! good one at once, a bad one only when the file has settled.

mod adopt;
mod anew;
mod hand_in;
mod judge;
mod known;
mod room;
mod sidecar;
mod take;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::config::model::{Config, Folder};
use crate::depot::Depot;
use crate::store::{Store, StoreError};
use dropship_intake::{Admitted, Backpressure, FileReceiver, FoundFile, Identity};
use dropship_job::{Job, JobId};
use dropship_package::Policy;
use room::Room;

pub use adopt::Adopted;
pub use hand_in::Handed;
pub use judge::{Judged, judge};
pub use room::Count;

/// What reception goes by; replaced as a whole at a reload.
pub struct Rulebook {
    /// The whole configuration.
    pub config: Config,
    /// Whose signatures are good, and how grave each finding is.
    pub policy: Policy,
    /// Where results go that no folder says otherwise for.
    pub outbox: PathBuf,
}

impl Rulebook {
    fn folder(&self, name: &str) -> Option<&Folder> {
        self.config.folders.iter().find(|folder| folder.name == name)
    }

    /// The outbox of a folder.
    fn outbox(&self, folder: Option<&str>) -> PathBuf {
        let own = folder.and_then(|name| self.folder(name)).and_then(|folder| folder.outbox.clone());
        own.unwrap_or_else(|| self.outbox.join(folder.unwrap_or("submitted")))
    }
}

/// Tells of jobs that reception began or changed.
pub type Tell = Box<dyn Fn(&Job, &[dropship_job::Event]) + Send + Sync>;

/// Reception of the daemon.
pub struct Reception {
    room: Room,
    store: Arc<dyn Store>,
    depot: Depot,
    rulebook: RwLock<Arc<Rulebook>>,
    tell: Tell,
    /// Two files with the same bytes are decided on one after the other.
    deciding: Mutex<()>,
    known: known::Known,
}

impl Reception {
    /// A reception over this store; `tell` hears of every job that begins.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, depot: Depot, rulebook: Rulebook, tell: Tell) -> Self {
        let known = known::Known::default();
        let rulebook = RwLock::new(Arc::new(rulebook));
        Self { room: Room::default(), store, depot, rulebook, tell, deciding: Mutex::new(()), known }
    }

    /// Lets nothing more in while so many that it let in wait to be begun; `crowd` tells that for a folder.
    #[must_use]
    pub fn holding_back(self, crowd: Count, most: usize) -> Self {
        Self { room: Room::until(crowd, most), ..self }
    }

    /// What reception goes by now.
    #[must_use]
    pub fn rulebook(&self) -> Arc<Rulebook> {
        Arc::clone(&self.rulebook.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes by another rulebook from now on.
    pub fn replace(&self, rulebook: Rulebook) {
        *self.rulebook.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rulebook);
    }

    /// The jobs that have copies now; [`Reception::sweep`] is for those that were there before anything came in.
    ///
    /// # Errors
    /// When the depot cannot be read.
    pub fn copies(&self) -> Result<Vec<JobId>, StoreError> {
        self.depot.jobs().map_err(unswept)
    }

    /// Throws away copies of no job, since the daemon died between taking a copy in and beginning its job, and copies
    /// that are no longer needed, since it died before it could. Beside a store without any job nothing is thrown away:
    /// the copies may be all that is left.
    ///
    /// # Errors
    /// When store or depot cannot be read.
    pub fn sweep(&self, copies: &[JobId]) -> Result<(), StoreError> {
        let empty = self.store.counts()?.iter().all(|(_, jobs)| *jobs == 0);
        if empty && copies.len() > 1 {
            tracing::warn!(
                event = "copies_left",
                "The store knows no job, but {} captured packages lie beside it; they are left alone",
                copies.len()
            );
            return Ok(());
        }
        for id in copies {
            match self.store.job(id)? {
                None => self.depot.discard(id).map_err(unswept)?,
                Some(job) if job.collected.is_some() => self.depot.discard_copy(id).map_err(unswept)?,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

fn unswept(error: std::io::Error) -> StoreError {
    StoreError::Io { what: "cannot sweep", path: "packages".into(), error }
}

impl FileReceiver for Reception {
    fn is_known(&self, folder: &str, path: &Path, identity: &Identity, sidecar: Option<&Identity>) -> bool {
        self.known.is_known(&*self.store, folder, path, identity, sidecar)
    }

    fn receive(&self, found: &FoundFile) -> Admitted {
        take::receive(self, found)
    }

    fn on_removed(&self, folder: &str, path: &Path) {
        self.known.on_removed(&*self.store, folder, path);
    }

    fn on_scan_complete(&self, folder: &str) {
        self.known.on_scan_complete(&*self.store, folder);
    }

    fn capacity(&self, folder: &str) -> Result<(), Backpressure> {
        self.room.for_one_of(folder, &self.depot)
    }
}

/// A new job id.
fn new_id() -> JobId {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    // Without a source of chance two ids of one millisecond could meet; the store refuses the second.
    JobId::new(now, getrandom::u32().unwrap_or(0))
}
