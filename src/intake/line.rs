//! When the queue is full, folders stand in line for each place that becomes free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Overtaken so often, and nobody overtakes any more, whatever the priority.
const PATIENCE: u32 = 8;

/// Whoever is first and does nothing for so long hangs on a dead share: the others go on.
const ASLEEP: Duration = Duration::from_secs(10);

/// The folders that wait for room, the next one first.
///
/// Each that got a place goes to the end: a folder with 50,000 files takes turns with one that has
/// a single file. A higher priority goes before a lower one, but not for ever.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: Mutex<Vec<Place>>,
    moved: Notify,
}

#[derive(Debug)]
struct Place {
    folder: Arc<str>,
    priority: i32,
    overtaken: u32,
    seen: Instant,
}

impl Line {
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// May this folder offer a file now? Nobody waits, or it is its turn.
    pub(super) fn is_turn(&self, folder: &str) -> bool {
        let mut places = self.places();
        let Some(first) = places.first_mut() else {
            return true;
        };
        if *first.folder == *folder {
            first.seen = Instant::now();
            return true;
        }
        if first.seen.elapsed() > ASLEEP {
            places.rotate_left(1);
            if let Some(first) = places.first_mut() {
                first.seen = Instant::now();
            }
            drop(places);
            self.moved.notify_waiters();
        }
        false
    }

    /// Stands in line, unless it does already.
    pub(super) fn enter(&self, folder: &str, priority: i32) {
        let mut places = self.places();
        if places.iter().any(|place| *place.folder == *folder) {
            return;
        }
        let ahead =
            places.iter().rposition(|place| place.priority >= priority || place.overtaken >= PATIENCE);
        let at = ahead.map_or(0, |ahead| ahead + 1);
        places[at..].iter_mut().for_each(|place| place.overtaken += 1);
        places.insert(at, Place { folder: folder.into(), priority, overtaken: 0, seen: Instant::now() });
    }

    /// Has had its turn, or wants nothing any more.
    pub(super) fn leave(&self, folder: &str) {
        let mut places = self.places();
        let Some(at) = places.iter().position(|place| *place.folder == *folder) else {
            return;
        };
        places.remove(at);
        if let Some(first) = places.first_mut() {
            first.seen = Instant::now();
        }
        drop(places);
        self.moved.notify_waiters();
    }

    /// Returns when it may be this folder's turn: after `pause` if it is first, else when the line moves.
    pub(super) async fn wait(&self, folder: &str, pause: Duration) {
        let moved = self.moved.notified();
        if self.is_turn(folder) {
            tokio::time::sleep(pause).await;
        } else {
            // The time limit is for a first one that sleeps; somebody has to notice.
            drop(tokio::time::timeout(ASLEEP / 4, moved).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_takes_turns_with_a_trickle() {
        let line = Line::default();
        assert!(line.is_turn("flood"));
        line.enter("flood", 0);
        line.enter("trickle", 0);
        assert!(line.is_turn("flood") && !line.is_turn("trickle") && !line.is_turn("third"));
        line.leave("flood");
        line.enter("flood", 0);
        assert!(line.is_turn("trickle") && !line.is_turn("flood"));
        line.leave("trickle");
        line.leave("flood");
        assert!(line.is_turn("third"));
    }

    #[test]
    fn priority_goes_first_but_patience_ends() {
        let line = Line::default();
        line.enter("first", 0);
        line.enter("patient", 0);
        let mut overtaken = 0;
        line.leave("first");
        line.enter("urgent", 5);
        while !line.is_turn("patient") {
            assert!(line.is_turn("urgent"));
            overtaken += 1;
            line.leave("urgent");
            line.enter("urgent", 5);
        }
        assert_eq!(overtaken, PATIENCE);
    }
}
