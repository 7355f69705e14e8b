//! Heartbeats of components that can hang. The watchdog, `/livez` and the metrics read their age.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::activity::{Activities, STALL_AGE};

/// Interval between heartbeats of an idle component, unless the watchdog needs a shorter one. Much shorter than the age at
/// which a component counts as stalled, and long enough to leave an idle machine alone.
const IDLE: Duration = Duration::from_secs(15);

/// The same before the component is watched: short, so that it soon reads the interval that the watchdog needs.
const UNWATCHED: Duration = Duration::from_millis(250);

/// The heartbeat of one component. Clones share it.
#[derive(Debug, Clone)]
pub struct Heartbeat(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Monotonic time, because the system clock can be set.
    started: Instant,
    /// Milliseconds from `started` to the last beat.
    last: AtomicU64,
    /// Milliseconds between beats of an idle component.
    idle: AtomicU64,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            last: AtomicU64::new(0),
            idle: AtomicU64::new(millis(UNWATCHED)),
        }))
    }
}

impl Heartbeat {
    /// Records that the component is alive.
    pub fn beat(&self) {
        self.0.last.store(millis(self.0.started.elapsed()), Ordering::Relaxed);
    }

    /// Time since the last beat.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.0.started.elapsed().saturating_sub(Duration::from_millis(self.0.last.load(Ordering::Relaxed)))
    }

    /// Maximum sleep of an idle component between two beats.
    #[must_use]
    pub fn idle_interval(&self) -> Duration {
        Duration::from_millis(self.0.idle.load(Ordering::Relaxed))
    }
}

/// Receives the heartbeats of the store.
impl dropship_store::Heartbeat for Heartbeat {
    fn beat(&self) {
        Self::beat(self);
    }

    fn idle_interval(&self) -> Duration {
        Self::idle_interval(self)
    }
}

/// The heartbeats of all components. Clones share them.
#[derive(Debug, Clone)]
pub struct Heartbeats {
    components: Arc<Mutex<Vec<Component>>>,
    idle: Duration,
    limit: Duration,
}

#[derive(Debug, Clone)]
struct Component {
    name: &'static str,
    sign: Sign,
    restart: Restart,
}

#[derive(Debug, Clone)]
enum Sign {
    Beats(Heartbeat),
    Work(Activities),
    Silence(Arc<dyn SilenceOf>),
}

/// Something that waits for a file system which may not respond.
pub trait SilenceOf: std::fmt::Debug + Send + Sync {
    /// Time without an answer; zero if nothing waits.
    fn silence(&self) -> Duration;
}

/// Whether a restart of the daemon can end the stall of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// The watchdog restarts the daemon.
    Helps,
    /// The cause is outside of the daemon, such as a hung share: the stall is reported only.
    DoesNotHelp,
}

impl Heartbeats {
    /// Creates the list. Idle intervals suit a watchdog with the timeout `watchdog`.
    #[must_use]
    pub fn new(watchdog: Option<Duration>) -> Self {
        let limit = watchdog.map_or(STALL_AGE, |timeout| (timeout / 2).min(STALL_AGE));
        Self { components: Arc::default(), idle: idle_interval(watchdog), limit }
    }

    /// Age of a heartbeat above which a component has stalled.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Watches a component from now on, and sets its idle interval.
    pub fn watch(&self, component: &'static str, heartbeat: &Heartbeat) {
        heartbeat.0.idle.store(millis(self.idle), Ordering::Relaxed);
        heartbeat.beat();
        let sign = Sign::Beats(heartbeat.clone());
        self.components().push(Component { name: component, sign, restart: Restart::Helps });
    }

    /// Watches the work of a component from now on.
    pub fn watch_work(&self, component: &'static str, work: &Activities, restart: Restart) {
        work.set_limit(self.limit);
        let sign = Sign::Work(work.clone());
        self.components().push(Component { name: component, sign, restart });
    }

    /// Watches a component that waits for file systems.
    pub fn watch_silence(&self, component: &'static str, source: Arc<dyn SilenceOf>) {
        let restart = Restart::DoesNotHelp;
        self.components().push(Component { name: component, sign: Sign::Silence(source), restart });
    }

    /// The age of each component's last beat, or of its oldest running work.
    #[must_use]
    pub fn ages(&self) -> Vec<(&'static str, Duration)> {
        let age = |component: &Component| match &component.sign {
            Sign::Beats(heartbeat) => (component.name, heartbeat.age()),
            Sign::Work(work) => (component.name, work.oldest()),
            Sign::Silence(source) => (component.name, source.silence()),
        };
        self.components().iter().map(age).collect()
    }

    /// The components that have not sent a heartbeat for longer than `limit`, and those whose work exceeds its own limit.
    #[must_use]
    pub fn stalled(&self, limit: Duration) -> Vec<(&'static str, Duration)> {
        self.components().iter().filter_map(|component| component.stalled(limit)).collect()
    }

    /// Those of the stalled components that a restart helps.
    #[must_use]
    pub fn stalled_until_restart(&self, limit: Duration) -> Vec<(&'static str, Duration)> {
        self.stalled_with(Restart::Helps, limit)
    }

    /// A sentence for each stalled component that a restart helps, or for each of the others.
    #[must_use]
    pub fn stalled_sentences(&self, restart: Restart) -> Vec<String> {
        let stalled = self.stalled_with(restart, self.limit).into_iter();
        stalled
            .map(|(part, age)| format!("{part} has stalled: no sign of life for {} s", age.as_secs()))
            .collect()
    }

    fn stalled_with(&self, restart: Restart, limit: Duration) -> Vec<(&'static str, Duration)> {
        let components = self.components();
        let components = components.iter().filter(|component| component.restart == restart);
        components.filter_map(|component| component.stalled(limit)).collect()
    }

    fn components(&self) -> parking_lot::MutexGuard<'_, Vec<Component>> {
        self.components.lock()
    }
}

impl Component {
    fn stalled(&self, limit: Duration) -> Option<(&'static str, Duration)> {
        let age = match &self.sign {
            Sign::Beats(heartbeat) => Some(heartbeat.age()).filter(|age| *age > limit),
            Sign::Work(work) => work.overdue(),
            Sign::Silence(source) => Some(source.silence()).filter(|silence| *silence > limit),
        };
        age.map(|age| (self.name, age))
    }
}

/// An eighth of the watchdog's timeout: a component counts as stalled after half of it, and a busy machine needs a margin.
fn idle_interval(watchdog: Option<Duration>) -> Duration {
    watchdog.map_or(IDLE, |timeout| (timeout / 8).clamp(Duration::from_millis(20), IDLE))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_interval_is_an_eighth_of_the_watchdog_timeout_within_limits() {
        assert_eq!(idle_interval(None), IDLE);
        assert_eq!(idle_interval(Some(Duration::from_secs(120))), IDLE);
        assert_eq!(idle_interval(Some(Duration::from_secs(3))), Duration::from_millis(375));
        assert_eq!(idle_interval(Some(Duration::ZERO)), Duration::from_millis(20));
    }

    #[test]
    fn watched_component_gets_its_idle_interval() {
        let (heartbeats, heartbeat) = (Heartbeats::new(Some(Duration::from_secs(3))), Heartbeat::default());
        heartbeats.watch("store", &heartbeat);
        assert_eq!(heartbeat.idle_interval(), Duration::from_millis(375));
    }

    #[test]
    fn component_without_recent_beat_is_stalled() {
        let hour = Duration::from_secs(3600);
        // Both components started an hour ago.
        let [quick, slow] = [(); 2].map(|()| {
            let (last, idle) = (AtomicU64::new(0), AtomicU64::new(millis(UNWATCHED)));
            Heartbeat(Arc::new(Inner { started: Instant::now() - hour, last, idle }))
        });
        let heartbeats = Heartbeats::new(None);
        heartbeats.watch("quick", &quick);
        heartbeats.watch("slow", &slow);
        assert_eq!(heartbeats.stalled(hour / 2), []);
        // As if this one had not beaten since then.
        slow.0.last.store(0, Ordering::Relaxed);
        quick.beat();
        let stalled: Vec<_> = heartbeats.stalled(hour / 2).into_iter().map(|(name, _)| name).collect();
        assert_eq!(stalled, ["slow"]);
    }
}
