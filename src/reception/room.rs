//! Is there room for more packages? Told when that changes, once for all folders.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::depot::Depot;
use crate::observe;

/// How many packages may be let in and not begun, and whether there is room now.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: Arc<AtomicUsize>,
    most: Option<usize>,
    shut: Mutex<Option<Shut>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shut {
    Disk,
    Crowd,
}

impl Room {
    /// Room until so many of the waiting ones are not begun.
    pub(super) fn until(waiting: Arc<AtomicUsize>, most: usize) -> Self {
        Self { waiting, most: Some(most), shut: Mutex::default() }
    }

    /// Is there room now? Once the queue was full there is only when a quarter of it has gone, so that intake neither
    /// stops and goes at each package nor lets the workers wait.
    pub(super) fn is_there(&self, depot: &Depot) -> bool {
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        let now = if !depot.has_room() {
            Some(Shut::Disk)
        } else {
            self.is_crowded(*shut == Some(Shut::Crowd)).then_some(Shut::Crowd)
        };
        if now != *shut {
            match now {
                Some(shut) => observe::intake_paused(&self.why(shut)),
                None => observe::intake_resumed(),
            }
            *shut = now;
        }
        now.is_none()
    }

    fn is_crowded(&self, was: bool) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let fits = |most: usize| most.saturating_sub(if was { (most / 4).max(1) } else { 1 });
        self.most.is_some_and(|most| waiting > fits(most))
    }

    /// Why there was none when it was last asked, and what to do.
    pub(super) fn why_not(&self) -> String {
        let shut = *self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        self.why(shut.unwrap_or(Shut::Crowd))
    }

    fn why(&self, shut: Shut) -> String {
        match shut {
            Shut::Disk => {
                "the store's disk is nearly full; free some space, and intake goes on by itself".to_owned()
            }
            Shut::Crowd => format!(
                "{} packages were let in and are not begun at Microsoft yet ([store] most_waiting); the others wait \
                 in their folders, and intake goes on by itself",
                self.waiting.load(Ordering::Relaxed)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_full_until_a_quarter_has_gone() {
        let home = tempfile::tempdir().expect("a folder");
        let depot = Depot::open(home.path()).expect("a depot").keeping_free(Some(0));
        for (most, opens) in [(1, 0), (3, 2), (8, 6), (1000, 750)] {
            let waiting = Arc::new(AtomicUsize::new(most - 1));
            let room = Room::until(Arc::clone(&waiting), most);
            let with = |count: usize| {
                waiting.store(count, Ordering::Relaxed);
                room.is_there(&depot)
            };
            assert!(with(most - 1) && !with(most) && !with(most + 1));
            assert!(!with(opens + 1), "{most} let in again at {}", opens + 1);
            assert!(with(opens) && with(most - 1) && !with(most));
        }
    }

    #[test]
    fn a_full_disk_leaves_no_room_either() {
        let home = tempfile::tempdir().expect("a folder");
        let room = Room::default();
        let depot = Depot::open(home.path()).expect("a depot");
        assert!(room.is_there(&depot.clone().keeping_free(Some(0))));
        assert!(!room.is_there(&depot.keeping_free(Some(u64::MAX))));
        assert!(room.why_not().contains("disk is nearly full"));
    }
}
