//! Decides when a page is computed. Packages come first: while the processors are busy, pages make pauses.
//!
//! The priority of a thread would do the same, but the unit forbids to change priorities.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// While the processors are busy, the pause after a page is this many times the processor time that it took.
const PAUSE: u32 = 8;

/// Maximum pause.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The processors count as busy if a page had to wait for more than this part of its time.
const WAITED: u32 = 4;

/// Maximum time to wait for a turn. A page that waits for a disk keeps its turn, so after this time other pages run without a turn.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The turns. Half of the processors compute pages at the same time, one at least.
#[derive(Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((processors / 2).max(1))))
    }
}

impl Turns {
    /// Runs work that computes on a thread for blocking work, when it is its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let turn = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.0).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        let computed = tokio::task::spawn_blocking(move || {
            let (started_at, before) = (Instant::now(), processor_time());
            let done = work();
            let pause = pause(started_at.elapsed(), processor_time().saturating_sub(before));
            (done, pause, turn)
        });
        let (done, pause, turn) = computed.await?;
        if !pause.is_zero() {
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                drop(turn);
            });
        }
        Ok(done)
    }
}

/// The pause after work that took this time and this much of a processor.
fn pause(took: Duration, computed: Duration) -> Duration {
    let is_busy = took.saturating_sub(computed) > took / WAITED;
    if is_busy { computed.saturating_mul(PAUSE).min(MAX_PAUSE) } else { Duration::ZERO }
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_make_pauses_only_while_they_wait_for_processors() {
        let milliseconds = Duration::from_millis;
        assert_eq!(pause(milliseconds(50), milliseconds(50)), Duration::ZERO);
        assert_eq!(pause(milliseconds(50), milliseconds(40)), Duration::ZERO);
        assert_eq!(pause(milliseconds(100), milliseconds(50)), milliseconds(400));
        assert_eq!(pause(Duration::from_secs(9), Duration::from_secs(1)), MAX_PAUSE);
        assert_eq!(pause(milliseconds(1), milliseconds(2)), Duration::ZERO, "clocks differ");
    }

    #[tokio::test]
    async fn next_turn_begins_after_the_last_one_has_ended() {
        let turns = Arc::new(Turns(Arc::new(Semaphore::new(1))));
        let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let works = (0..8).map(|_| {
            let (turns, running) = (Arc::clone(&turns), Arc::clone(&running));
            tokio::spawn(async move {
                let at_once = turns.run(move || {
                    let at_once = running.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    at_once
                });
                at_once.await.expect("it runs")
            })
        });
        for work in works.collect::<Vec<_>>() {
            assert_eq!(work.await.expect("it ends"), 0);
        }
        assert!(turns.run(|| panic!("a page failed")).await.is_err());
        assert_eq!(turns.run(|| 1).await.expect("the turn is free again"), 1);
    }
}
