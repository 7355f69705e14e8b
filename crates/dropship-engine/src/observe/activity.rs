//! Work that must end within a limit, such as the inspection of a package. The watchdog and `/livez` read what exceeds it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Age of a heartbeat above which a component has stalled, unless the watchdog needs to know earlier. With it a stall is visible
/// within a minute. The only such limit: `/livez`, the list of what needs attention and the watchdog use it.
pub(super) const STALL_AGE: Duration = Duration::from_secs(45);

/// The running work of one component. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Activities(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    next: AtomicU64,
    running: Mutex<BTreeMap<u64, (Instant, Duration)>>,
    /// Time that every work may take.
    limit: Mutex<Duration>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { next: AtomicU64::default(), running: Mutex::default(), limit: Mutex::new(STALL_AGE) }
    }
}

/// Work that runs until this is dropped.
#[derive(Debug)]
#[must_use = "the work ends when this is dropped"]
pub struct Activity {
    activities: Activities,
    number: u64,
}

impl Activities {
    /// Sets the time that every work may take.
    pub(super) fn set_limit(&self, limit: Duration) {
        *self.0.limit.lock() = limit;
    }

    /// Work begins that must end within the limit of all components and `extra_time`.
    pub fn begin(&self, extra_time: Duration) -> Activity {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.running.lock().insert(number, (Instant::now(), extra_time));
        Activity { activities: self.clone(), number }
    }

    /// Time since the oldest running work began; zero if none runs.
    #[must_use]
    pub fn oldest(&self) -> Duration {
        self.0.running.lock().values().map(|(started_at, _)| started_at.elapsed()).max().unwrap_or_default()
    }

    /// The longest time that work has run which exceeds its limit.
    #[must_use]
    pub fn overdue(&self) -> Option<Duration> {
        let limit = *self.0.limit.lock();
        let running = self.0.running.lock();
        let ages = running
            .values()
            .map(|(started_at, extra_time)| (started_at.elapsed(), limit.saturating_add(*extra_time)));
        ages.filter(|(age, limit)| age > limit).map(|(age, _)| age).max()
    }

    /// The same future; each poll is work that must end within the limit. A poll that takes longer blocks a thread.
    pub fn polls<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let (activities, mut future) = (self.clone(), Box::pin(future));
        std::future::poll_fn(move |context| {
            let _poll = activities.begin(Duration::ZERO);
            future.as_mut().poll(context)
        })
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.activities.0.running.lock().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_running_work_beyond_its_limit_is_overdue() {
        let activities = Activities::default();
        let hour = Duration::from_secs(3_600);
        activities.set_limit(hour / 2);
        let (long, short) = (activities.begin(hour), activities.begin(Duration::ZERO));
        assert_eq!(activities.overdue(), None);
        // As if both had begun an hour ago.
        activities.0.running.lock().values_mut().for_each(|(started_at, _)| *started_at -= hour);
        assert!(activities.overdue().is_some_and(|age| age >= hour));
        drop(short);
        assert_eq!(activities.overdue(), None);
        assert!(activities.oldest() >= hour);
        drop(long);
        assert_eq!(activities.oldest(), Duration::ZERO);
    }
}
