//! The limit of calls, remembered beyond the life of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a limit is expected to hold.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Largest difference of the clocks of two machines for which a limit is used.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);
/// Longest pause that a client inherits. If the service still asks for a pause after it, the first call shows that.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What answers with status 429 have taught a client about the limit of its account. The service does not publish this limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearntLimit {
    /// The limit right after the last 429, in calls a second.
    pub per_second: f64,
    /// How often the client has raised its rate since.
    pub raised: u32,
    /// Seconds after which the client may raise its rate.
    pub span: f64,
    /// When calls may continue: the end of the pause that the service asked for.
    pub resume_at: Timestamp,
    /// The time of the last change.
    pub learnt_at: Timestamp,
}

impl LearntLimit {
    /// Whether the limit probably still holds: it is at most a day old.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.learnt_at);
        (-CLOCK_SKEW..=VALID_FOR).contains(&age)
    }

    /// The part of the pause that is left, a minute at most. It is never longer than it was at first, also if the clock was set back.
    #[must_use]
    pub fn remaining_pause(&self, now: Timestamp) -> Duration {
        let left = self.resume_at.duration_since(now.max(self.learnt_at));
        Duration::try_from(left).unwrap_or_default().min(MAX_PAUSE)
    }
}

/// Hands the limit that one client has learnt to the next client of the account, for example after a restart. By default, each
/// client learns the limit itself.
#[derive(Clone, Default)]
pub struct LimitMemory {
    pub(crate) initial: Option<LearntLimit>,
    on_change: Option<Arc<OnChange>>,
}

type OnChange = dyn Fn(Option<LearntLimit>) + Send + Sync;

impl LimitMemory {
    /// A client with this memory starts with the limit `initial`, and calls `on_change` whenever the limit has changed; with `None` when it
    /// no longer limits its calls. The closure must not block.
    pub fn new(
        initial: Option<LearntLimit>,
        on_change: impl Fn(Option<LearntLimit>) + Send + Sync + 'static,
    ) -> Self {
        Self { initial, on_change: Some(Arc::new(on_change)) }
    }

    /// Reports the limit that applies now, as a client does.
    pub fn on_change(&self, limit: Option<LearntLimit>) {
        if let Some(on_change) = &self.on_change {
            on_change(limit);
        }
    }
}

impl fmt::Debug for LimitMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitMemory").field("initial", &self.initial).finish_non_exhaustive()
    }
}
