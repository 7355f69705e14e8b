//! Is there room for more packages? Told when that changes, once for all folders.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::depot::Depot;
use crate::observe;
use crate::pipeline::Crowd;
use dropship_intake::Backpressure;

/// Tells how many packages were let in and not begun, for a folder that wants to let in one more.
pub type Count = Box<dyn Fn(&str) -> Crowd + Send + Sync>;

/// How many packages may be let in and not begun, and whether there is room now.
#[derive(Default)]
pub(super) struct Room {
    crowd: Option<(Count, usize)>,
    shut: Mutex<Shut>,
}

/// Why there was none when it was last asked.
#[derive(Debug, Default)]
struct Shut {
    /// For all.
    all: Option<Reason>,
    /// Folders that are full of their own.
    own: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Disk,
    Crowd,
}

impl Room {
    /// Room until so many are not begun.
    pub(super) fn until(crowd: Count, most: usize) -> Self {
        Self { crowd: Some((crowd, most)), shut: Mutex::default() }
    }

    /// Is there room for one more of this folder now? Once the queue was full there is only when a quarter of it has
    /// gone, so that intake neither stops and goes at each package nor lets the workers wait.
    pub(super) fn for_one_of(&self, folder: &str, depot: &Depot) -> Result<(), Backpressure> {
        let mut shut = self.shut();
        let crowd = self.crowd.as_ref().map(|(crowd, _)| crowd(folder)).unwrap_or_default();
        let now = if !depot.has_room() {
            Some(Reason::Disk)
        } else {
            self.is_too_many(crowd.all, shut.all == Some(Reason::Crowd)).then_some(Reason::Crowd)
        };
        if now != shut.all {
            match now {
                Some(reason) => observe::intake_paused(&why(reason, crowd)),
                None => observe::intake_resumed(),
            }
            shut.all = now;
        }
        if let Some(reason) = now {
            return Err(Backpressure { reason: why(reason, crowd), folder_only: false });
        }
        let was = shut.own.contains(folder);
        if !self.is_too_many(crowd.own, was) {
            if shut.own.remove(folder) {
                observe::folder_has_room(folder);
            }
            return Ok(());
        }
        let why = format!(
            "{} packages were let in and cannot be begun while this folder is paused or its account refused \
             ([store] most_waiting); the others wait in the folder until that is over",
            crowd.own
        );
        if !was {
            observe::folder_full(folder, &why);
            shut.own.insert(folder.to_owned());
        }
        Err(Backpressure { reason: why, folder_only: true })
    }

    fn is_too_many(&self, waiting: usize, was: bool) -> bool {
        let fits = |most: usize| most.saturating_sub(if was { (most / 4).max(1) } else { 1 });
        self.crowd.as_ref().is_some_and(|(_, most)| waiting > fits(*most))
    }

    fn shut(&self) -> MutexGuard<'_, Shut> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing more is let in, and what to do.
fn why(reason: Reason, crowd: Crowd) -> String {
    match reason {
        Reason::Disk => {
            "the store's disk is nearly full; free some space, and intake goes on by itself".to_owned()
        }
        Reason::Crowd => format!(
            "{} packages were let in and are not begun at Microsoft yet ([store] most_waiting); the others wait \
             in their folders, and intake goes on by itself",
            crowd.all
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn depot(home: &tempfile::TempDir, free: u64) -> Depot {
        Depot::open(home.path()).expect("a depot").keeping_free(Some(free))
    }

    #[test]
    fn a_full_queue_is_full_until_a_quarter_has_gone() {
        let home = tempfile::tempdir().expect("a folder");
        let depot = depot(&home, 0);
        for (most, opens) in [(1, 0), (3, 2), (8, 6), (1000, 750)] {
            let waiting = Arc::new(AtomicUsize::new(most - 1));
            let counted = Arc::clone(&waiting);
            let count = move |_: &str| Crowd { all: counted.load(Ordering::Relaxed), own: 0 };
            let room = Room::until(Box::new(count), most);
            let with = |count: usize| {
                waiting.store(count, Ordering::Relaxed);
                room.for_one_of("in", &depot).is_ok()
            };
            assert!(with(most - 1) && !with(most) && !with(most + 1));
            assert!(!with(opens + 1), "{most} let in again at {}", opens + 1);
            assert!(with(opens) && with(most - 1) && !with(most));
        }
    }

    #[test]
    fn a_folder_that_is_full_of_its_own_shuts_nobody_else_out() {
        let home = tempfile::tempdir().expect("a folder");
        let own = Arc::new(AtomicUsize::new(8));
        let counted = Arc::clone(&own);
        let count = move |folder: &str| Crowd {
            all: 2,
            own: if folder == "stuck" { counted.load(Ordering::Relaxed) } else { 2 },
        };
        let (room, depot) = (Room::until(Box::new(count), 8), depot(&home, 0));
        assert_eq!(room.for_one_of("in", &depot), Ok(()));
        let full = room.for_one_of("stuck", &depot).expect_err("it is full");
        assert!(
            full.folder_only && full.reason.contains("8 packages were let in and cannot be begun"),
            "{full:?}"
        );
        own.store(7, Ordering::Relaxed);
        assert!(room.for_one_of("stuck", &depot).is_err(), "a quarter has not gone");
        own.store(6, Ordering::Relaxed);
        assert_eq!(room.for_one_of("stuck", &depot), Ok(()));
    }

    #[test]
    fn a_full_disk_leaves_no_room_either() {
        let home = tempfile::tempdir().expect("a folder");
        let room = Room::default();
        assert_eq!(room.for_one_of("in", &depot(&home, 0)), Ok(()));
        let full = room.for_one_of("in", &depot(&home, u64::MAX)).expect_err("the disk is full");
        assert!(!full.folder_only && full.reason.contains("disk is nearly full"), "{full:?}");
    }
}
