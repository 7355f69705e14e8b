//! The parts of admission, shared by its threads.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::active_config::ActiveConfig;
use super::busy_folders::BusyFolders;
use super::capacity::{Capacity, LoadSource};
use super::content_claims::ContentClaims;
use super::inspections::Inspections;
use super::seen_files::SeenFiles;
use super::stale_store::OlderStore;
use crate::observe::Activities;
use crate::outbox::{Ownership, ReceiptSearch};
use crate::package_store::PackageStore;
use crate::pipeline::JobEvents;
use dropship_job::JobId;
use dropship_package::Cancellation;
use dropship_store::Store;

/// Admits packages and creates their jobs.
pub struct Admission {
    pub(super) store: Arc<dyn Store>,
    pub(super) packages: PackageStore,
    pub(super) events: Arc<JobEvents>,
    pub(super) capacity: Capacity,
    pub(super) busy: BusyFolders,
    pub(super) inspections: Inspections,
    pub(super) seen_files: SeenFiles,
    pub(super) content_claims: ContentClaims,
    /// Whether another node processes the jobs.
    pub(super) stands_by: bool,
    /// Recognises the daemon's own receipts.
    pub(super) ownership: Ownership,
    pub(super) receipts: Arc<ReceiptSearch>,
    pub(super) older_store: OlderStore,
    /// Serialises the creation of jobs. This prevents two jobs for files with the same bytes, and two submissions of the same
    /// signed content: the second job is held.
    pub(super) creating: Mutex<()>,
    /// Ends the inspections in progress at shutdown.
    pub(super) cancellation: Cancellation,
    active: RwLock<Arc<ActiveConfig>>,
}

impl Admission {
    /// An admission into this store; `events` receives the jobs that it creates and changes.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        packages: PackageStore,
        active: ActiveConfig,
        events: Arc<JobEvents>,
    ) -> Self {
        Self {
            store,
            packages,
            events,
            capacity: Capacity::default(),
            busy: BusyFolders::default(),
            inspections: Inspections::default(),
            seen_files: SeenFiles::default(),
            content_claims: ContentClaims::default(),
            stands_by: false,
            ownership: Ownership::default(),
            receipts: Arc::default(),
            older_store: OlderStore::default(),
            creating: Mutex::new(()),
            cancellation: Cancellation::default(),
            active: RwLock::new(Arc::new(active)),
        }
    }

    /// Accepts no more packages while `max_unstarted` accepted jobs have not started.
    #[must_use]
    pub fn with_limit(self, load: Box<dyn LoadSource>, max_unstarted: usize) -> Self {
        Self { capacity: Capacity::with_limit(load, max_unstarted), ..self }
    }

    /// Leaves the jobs of the store to another node. The receipts of that node can be ahead of the tables of this node for a
    /// moment. So a newer receipt does not mean that the store is older.
    #[must_use]
    pub fn standing_by(self) -> Self {
        Self { stands_by: true, ..self }
    }

    /// Ends all inspections in progress; their packages are inspected again after the next start.
    pub fn cancel_inspections(&self) {
        self.cancellation.cancel();
    }

    /// Recovers the receipts that `ownership` recognises.
    #[must_use]
    pub fn with_ownership(self, ownership: Ownership) -> Self {
        Self { ownership, ..self }
    }

    /// The configuration in force.
    #[must_use]
    pub fn active(&self) -> Arc<ActiveConfig> {
        Arc::clone(&self.active.read())
    }

    /// The inspections that run.
    #[must_use]
    pub fn inspections(&self) -> &Activities {
        &self.inspections.work
    }

    /// Replaces the configuration.
    pub fn replace(&self, active: ActiveConfig) {
        *self.active.write() = Arc::new(active);
    }
}

/// A new job id.
pub(super) fn new_id() -> JobId {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
    // Without randomness two ids of one millisecond could be equal; the store refuses the second.
    JobId::new(now, getrandom::u32().unwrap_or(0))
}
