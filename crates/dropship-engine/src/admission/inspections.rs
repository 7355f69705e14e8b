//! Which inspections run now, and which bytes ended the daemon when they were inspected.
//!
//! The store counts an inspection when it begins and forgets the count when one ends. After a crash the count remains. The
//! same bytes may be inspected for several folders at once, so the running inspections are subtracted.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::observe::{Activities, Activity};
use dropship_store::{Commit, Entry, Store, StoreError};

/// Inspections of the same bytes that ended the daemon before the package is held as poison.
const POISON: u64 = 3;

/// Time that an inspection may take for the size before it counts as stalled: a rate in bytes per second that slow disks reach.
const SLOWEST: u64 = 16 << 20;

pub(super) const POISONED: &str =
    "inspecting this package ended the daemon three times in a row; please report it, then cancel";

/// The inspections that run now: their number by digest.
#[derive(Default)]
pub(super) struct Inspections {
    running: Mutex<HashMap<String, u64>>,
    /// The same, with the time that each may take.
    pub(super) work: Activities,
}

impl Inspections {
    /// Whether inspecting these bytes ended the daemon too often.
    pub(super) fn is_poison(&self, store: &dyn Store, sha256: &str) -> Result<bool, StoreError> {
        let running = self.running.lock().get(sha256).copied().unwrap_or_default();
        Ok(store.crashed_inspections(sha256)?.saturating_sub(running) >= POISON)
    }

    /// Notes in the store that an inspection begins.
    ///
    /// The entry is not synced: it has to survive the daemon, which the inspection might end, but not the machine.
    pub(super) fn begin<'a>(
        &'a self,
        store: &'a dyn Store,
        sha256: &str,
        size: u64,
    ) -> Result<RunningInspection<'a>, StoreError> {
        *self.running.lock().entry(sha256.to_owned()).or_default() += 1;
        let mut running =
            RunningInspection { inspections: self, store, sha256: sha256.to_owned(), work: None };
        let started = Entry::InspectionStarted { sha256: sha256.to_owned() };
        // The wait for the store has no limit.
        store.commit(Commit::unsynced(vec![started])).wait()?;
        running.work = Some(self.work.begin(Duration::from_secs(size / SLOWEST)));
        Ok(running)
    }
}

/// An inspection that runs.
pub(super) struct RunningInspection<'a> {
    inspections: &'a Inspections,
    store: &'a dyn Store,
    sha256: String,
    work: Option<Activity>,
}

impl RunningInspection<'_> {
    /// Notes in the store that the inspection has ended, and the daemon with it has not.
    pub(super) fn end(mut self) -> Result<(), StoreError> {
        self.work = None;
        let ended = Entry::InspectionEnded { sha256: self.sha256.clone() };
        self.store.commit(Commit::unsynced(vec![ended])).wait().map(drop)
    }
}

impl Drop for RunningInspection<'_> {
    fn drop(&mut self) {
        let mut running = self.inspections.running.lock();
        if let Some(count) = running.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.sha256);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropship_store::MemoryStore;

    #[test]
    fn same_bytes_inspected_for_many_folders_at_once_are_not_poison() {
        let (store, inspections) = (MemoryStore::new(), Inspections::default());
        let running: Vec<_> = (0..5).map(|_| inspections.begin(&store, "cc", 1).expect("begun")).collect();
        assert!(!inspections.is_poison(&store, "cc").expect("read"));
        for inspection in running {
            inspection.end().expect("ended");
            assert!(!inspections.is_poison(&store, "cc").expect("read"));
        }
        assert!(inspections.running.lock().is_empty());
    }

    #[test]
    fn bytes_whose_inspection_ended_the_daemon_three_times_are_poison() {
        let store = MemoryStore::new();
        for crashes in 0..3 {
            let daemon = Inspections::default();
            assert!(!daemon.is_poison(&store, "cc").expect("read"), "after {crashes} crashes");
            daemon.begin(&store, "cc", 1).expect("begun");
        }
        assert!(Inspections::default().is_poison(&store, "cc").expect("read"));
    }
}
