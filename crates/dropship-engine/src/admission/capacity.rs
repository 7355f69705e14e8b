//! Whether more packages may be accepted. A change is logged once for all folders.

use std::collections::BTreeSet;

use parking_lot::{Mutex, MutexGuard};

use crate::observe;
use crate::package_store::PackageStore;
use crate::pipeline::{AdmissionLoad, UnstartedCounts};
use dropship_intake::Backpressure;
use dropship_job::{counted, is_one};
use dropship_store::Store;

/// Source of the number of accepted jobs that have not started.
pub trait LoadSource: Send + Sync {
    /// The counts for one more package of this folder.
    fn unstarted(&self, folder: &str) -> UnstartedCounts;
}

impl LoadSource for AdmissionLoad {
    fn unstarted(&self, folder: &str) -> UnstartedCounts {
        self.unstarted(folder)
    }
}

/// Limits of admission: unstarted jobs and free space.
#[derive(Default)]
pub(super) struct Capacity {
    limit: Option<(Box<dyn LoadSource>, usize)>,
    closed: Mutex<Closed>,
}

/// The reasons of backpressure at the last check.
#[derive(Debug, Default)]
struct Closed {
    /// Why no folder is served.
    all_folders: Option<ClosedReason>,
    /// Folders whose blocked jobs reach the limit.
    folders: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClosedReason {
    StoreAway,
    PackagesAway,
    Disk,
    Unstarted,
}

impl Capacity {
    /// Capacity for `max_unstarted` jobs that have not started.
    pub(super) fn with_limit(load: Box<dyn LoadSource>, max_unstarted: usize) -> Self {
        Self { limit: Some((load, max_unstarted)), closed: Mutex::default() }
    }

    /// Whether one more package of this folder may be accepted now.
    ///
    /// After the limit was reached, a quarter of the jobs has to start first: intake neither stops and continues at each
    /// package nor lets the workers run out of jobs.
    pub(super) fn check(
        &self,
        folder: &str,
        packages: &PackageStore,
        store: &dyn Store,
    ) -> Result<(), Backpressure> {
        let mut closed = self.closed();
        let counts = self.limit.as_ref().map(|(load, _)| load.unstarted(folder)).unwrap_or_default();
        let reason = if store.away().is_some() {
            Some(ClosedReason::StoreAway)
        } else if packages.away().is_some() {
            Some(ClosedReason::PackagesAway)
        } else if !packages.has_free_space() {
            Some(ClosedReason::Disk)
        } else {
            let was_closed = closed.all_folders == Some(ClosedReason::Unstarted);
            self.exceeds(counts.startable, was_closed).then_some(ClosedReason::Unstarted)
        };
        if reason != closed.all_folders {
            match reason {
                Some(reason) => observe::intake_paused(&describe(reason, counts)),
                None => observe::intake_resumed(),
            }
            closed.all_folders = reason;
        }
        if let Some(reason) = reason {
            return Err(Backpressure { reason: describe(reason, counts), folder_only: false });
        }
        self.check_blocked(&mut closed, folder, counts)
    }

    /// Whether the blocked jobs of this folder leave capacity for one more.
    fn check_blocked(
        &self,
        closed: &mut Closed,
        folder: &str,
        counts: UnstartedCounts,
    ) -> Result<(), Backpressure> {
        let was_closed = closed.folders.contains(folder);
        if !self.exceeds(counts.blocked, was_closed) {
            if closed.folders.remove(folder) {
                observe::folder_intake_resumed(folder);
            }
            return Ok(());
        }
        let why = format!(
            "{} cannot start because this folder is paused or its account is suspended \
             ([store] most_waiting); further files wait in the folder until then",
            counted(counts.blocked, "accepted job")
        );
        if !was_closed {
            observe::folder_intake_paused(folder, &why);
            closed.folders.insert(folder.to_owned());
        }
        Err(Backpressure { reason: why, folder_only: true })
    }

    fn exceeds(&self, unstarted: usize, was_closed: bool) -> bool {
        let fits = |max: usize| max.saturating_sub(if was_closed { (max / 4).max(1) } else { 1 });
        self.limit.as_ref().is_some_and(|(_, max)| unstarted > fits(*max))
    }

    fn closed(&self) -> MutexGuard<'_, Closed> {
        self.closed.lock()
    }
}

fn describe(reason: ClosedReason, counts: UnstartedCounts) -> String {
    match reason {
        ClosedReason::StoreAway => {
            "the database of the store does not respond; intake continues automatically when it does"
                .to_owned()
        }
        ClosedReason::PackagesAway => {
            "the storage of captured packages does not respond; intake continues automatically when it does"
                .to_owned()
        }
        ClosedReason::Disk => {
            "the disk of the store is nearly full; free space, and intake continues automatically".to_owned()
        }
        ClosedReason::Unstarted => format!(
            "{} {} not started at Microsoft yet ([store] most_waiting); further files wait in their \
             folders, and intake continues automatically",
            counted(counts.startable, "accepted job"),
            if is_one(counts.startable) { "has" } else { "have" }
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use dropship_store::MemoryStore;

    impl<F: Fn(&str) -> UnstartedCounts + Send + Sync> LoadSource for F {
        fn unstarted(&self, folder: &str) -> UnstartedCounts {
            self(folder)
        }
    }

    fn packages(home: &tempfile::TempDir, free: u64) -> PackageStore {
        PackageStore::open(home.path()).expect("packages").keeping_free(Some(free))
    }

    #[test]
    fn full_queue_opens_after_a_quarter_has_started() {
        let home = tempfile::tempdir().expect("a folder");
        let packages = packages(&home, 0);
        for (max, opens) in [(1, 0), (3, 2), (8, 6), (1000, 750)] {
            let waiting = Arc::new(AtomicUsize::new(max - 1));
            let counted = Arc::clone(&waiting);
            let load =
                move |_: &str| UnstartedCounts { startable: counted.load(Ordering::Relaxed), blocked: 0 };
            let capacity = Capacity::with_limit(Box::new(load), max);
            let with = |count: usize| {
                waiting.store(count, Ordering::Relaxed);
                capacity.check("in", &packages, &MemoryStore::new()).is_ok()
            };
            assert!(with(max - 1) && !with(max) && !with(max + 1));
            assert!(!with(opens + 1), "with {max} it opens at {}", opens + 1);
            assert!(with(opens) && with(max - 1) && !with(max));
        }
    }

    #[test]
    fn folder_with_blocked_jobs_does_not_close_others() {
        let home = tempfile::tempdir().expect("a folder");
        let blocked = Arc::new(AtomicUsize::new(8));
        let counted = Arc::clone(&blocked);
        let load = move |folder: &str| UnstartedCounts {
            startable: 2,
            blocked: if folder == "stuck" { counted.load(Ordering::Relaxed) } else { 2 },
        };
        let (capacity, packages) = (Capacity::with_limit(Box::new(load), 8), packages(&home, 0));
        assert_eq!(capacity.check("in", &packages, &MemoryStore::new()), Ok(()));
        let full = capacity.check("stuck", &packages, &MemoryStore::new()).expect_err("it is full");
        assert!(full.folder_only && full.reason.contains("8 accepted jobs cannot start"), "{full:?}");
        blocked.store(7, Ordering::Relaxed);
        assert!(
            capacity.check("stuck", &packages, &MemoryStore::new()).is_err(),
            "less than a quarter has started"
        );
        blocked.store(6, Ordering::Relaxed);
        assert_eq!(capacity.check("stuck", &packages, &MemoryStore::new()), Ok(()));
    }

    #[test]
    fn full_disk_closes_every_folder() {
        let home = tempfile::tempdir().expect("a folder");
        let capacity = Capacity::default();
        assert_eq!(capacity.check("in", &packages(&home, 0), &MemoryStore::new()), Ok(()));
        let full = capacity
            .check("in", &packages(&home, u64::MAX), &MemoryStore::new())
            .expect_err("the disk is full");
        assert!(
            !full.folder_only && full.reason.contains("the disk of the store is nearly full"),
            "{full:?}"
        );
    }
}
