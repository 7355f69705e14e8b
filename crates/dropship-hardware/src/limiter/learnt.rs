//! What a limiter has learnt about the limit of its account, for the next limiter of the account.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Increase after the first span without a 429, as a part of the rate after the last 429.
const INCREASE: f64 = 0.01;
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

    /// The rate that a client continues with, in calls a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        raised_rate(self.per_second, self.raised)
    }

    /// The part of the pause that is left, a minute at most. It is never longer than it was at first, also if the clock was set back.
    #[must_use]
    pub fn remaining_pause(&self, now: Timestamp) -> Duration {
        let left = self.resume_at.duration_since(now.max(self.learnt_at));
        Duration::try_from(left).unwrap_or_default().min(MAX_PAUSE)
    }
}

/// The rate that began with `base` and was raised this often: each time by twice as much as the time before.
pub(super) fn raised_rate(base: f64, raised: u32) -> f64 {
    base * (1.0 + INCREASE * (2_f64.powi(i32::try_from(raised).unwrap_or(i32::MAX)) - 1.0))
}
