//! Order of the folders that wait for capacity.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

/// After being overtaken this many times a folder is not overtaken again by any priority.
const MAX_OVERTAKEN: u32 = 8;

/// If the head of the queue is idle this long (a hung mount), it is moved to the back.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// The folders that wait for capacity, the next one first.
///
/// After each admitted file a folder goes to the back: a folder with 50,000 files takes turns with one that has a single
/// file. Higher priorities go before lower ones, up to a limit that prevents starvation.
#[derive(Debug, Default)]
pub(crate) struct FairQueue {
    entries: Mutex<Vec<QueueEntry>>,
    moved: Notify,
}

#[derive(Debug)]
struct QueueEntry {
    folder: Arc<str>,
    priority: i32,
    overtaken: u32,
    last_active: Instant,
}

impl FairQueue {
    fn entries(&self) -> MutexGuard<'_, Vec<QueueEntry>> {
        self.entries.lock()
    }

    /// Whether this folder may offer a file now: the queue is empty, or the folder is its head.
    pub(crate) fn is_turn(&self, folder: &str) -> bool {
        let mut entries = self.entries();
        let Some(head) = entries.first_mut() else {
            return true;
        };
        if *head.folder == *folder {
            head.last_active = Instant::now();
            return true;
        }
        if head.last_active.elapsed() > IDLE_LIMIT {
            entries.rotate_left(1);
            if let Some(head) = entries.first_mut() {
                head.last_active = Instant::now();
            }
            drop(entries);
            self.moved.notify_waiters();
        }
        false
    }

    /// Queues the folder, unless it is queued already.
    pub(crate) fn enter(&self, folder: &str, priority: i32) {
        let mut entries = self.entries();
        if entries.iter().any(|entry| *entry.folder == *folder) {
            return;
        }
        let ahead =
            entries.iter().rposition(|entry| entry.priority >= priority || entry.overtaken >= MAX_OVERTAKEN);
        let at = ahead.map_or(0, |ahead| ahead + 1);
        entries[at..].iter_mut().for_each(|entry| entry.overtaken += 1);
        let last_active = Instant::now();
        entries.insert(at, QueueEntry { folder: folder.into(), priority, overtaken: 0, last_active });
    }

    /// Removes the folder: it has had its turn, or has no file to offer any more.
    pub(crate) fn leave(&self, folder: &str) {
        let mut entries = self.entries();
        let Some(at) = entries.iter().position(|entry| *entry.folder == *folder) else {
            return;
        };
        entries.remove(at);
        if let Some(head) = entries.first_mut() {
            head.last_active = Instant::now();
        }
        drop(entries);
        self.moved.notify_waiters();
    }

    /// Returns when it may be this folder's turn: after `pause` if it is the head, else when the queue moves.
    pub(crate) async fn wait(&self, folder: &str, pause: Duration) {
        let moved = self.moved.notified();
        if self.is_turn(folder) {
            tokio::time::sleep(pause).await;
        } else {
            // The timeout lets another folder notice that the head is idle.
            drop(tokio::time::timeout(IDLE_LIMIT / 4, moved).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_had_its_turn_goes_to_the_back() {
        let queue = FairQueue::default();
        assert!(queue.is_turn("flood"));
        queue.enter("flood", 0);
        queue.enter("trickle", 0);
        assert!(queue.is_turn("flood") && !queue.is_turn("trickle") && !queue.is_turn("third"));
        queue.leave("flood");
        queue.enter("flood", 0);
        assert!(queue.is_turn("trickle") && !queue.is_turn("flood"));
        queue.leave("trickle");
        queue.leave("flood");
        assert!(queue.is_turn("third"));
    }

    #[test]
    fn higher_priority_goes_first_until_the_other_was_overtaken_too_often() {
        let queue = FairQueue::default();
        queue.enter("first", 0);
        queue.enter("patient", 0);
        let mut overtaken = 0;
        queue.leave("first");
        queue.enter("urgent", 5);
        while !queue.is_turn("patient") {
            assert!(queue.is_turn("urgent"));
            overtaken += 1;
            queue.leave("urgent");
            queue.enter("urgent", 5);
        }
        assert_eq!(overtaken, MAX_OVERTAKEN);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_head_is_moved_to_the_back() {
        let queue = FairQueue::default();
        queue.enter("hung", 0);
        queue.enter("other", 0);
        tokio::time::advance(IDLE_LIMIT).await;
        assert!(!queue.is_turn("other"), "the limit is not exceeded yet");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!queue.is_turn("other"), "this call moves the head");
        assert!(queue.is_turn("other"));
    }
}
