//! Limits the calls of one account: a rate limit while the service throttles, pauses that apply to all callers, and a
//! circuit breaker for when the service is down.
//!
//! Callers are served in the order of arrival. No rate limit is assumed until the service answers 429, unless an earlier limiter of the
//! account has learnt one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::backoff::Backoff;

mod breaker;
mod learnt;
mod rate;
#[cfg(test)]
mod tests;

use breaker::Breaker;
pub use learnt::LearntLimit;
use rate::CallRate;

/// Longest pause that a call waits for; with a longer one it is rejected with the time to retry after.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// The limiter of one account.
#[derive(Debug)]
pub(super) struct CallLimiter {
    /// Held by the caller that is next, so that callers are served in the order of arrival.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<LimiterState>,
    /// Held while a change of the limit is reported, so that changes are reported in order.
    report: Mutex<()>,
}

#[derive(Debug)]
struct LimiterState {
    rate: CallRate,
    breaker: Breaker,
    paused_until: Option<Instant>,
    /// Whether the limit or the pause after a 429 has changed since it was last reported.
    has_changed: bool,
}

/// Why a call must not be made now. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// The service asked for a pause longer than [`MAX_WAIT`]; this is the time left.
    Paused(Duration),
    /// The circuit is open; this is the time until the next probe.
    Down(Duration),
}

/// The result of a permitted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermittedOutcome {
    /// The service answered, with success or with an error of the call.
    Answered,
    /// 429.
    Throttled(Option<Duration>),
    /// No response, or a failure of the service, which may have asked for a pause.
    Failed(Option<Duration>),
}

/// Permission for one call. [`complete`](Self::complete) reports its result; a permit that is dropped counts as unused.
#[derive(Debug)]
#[must_use]
pub(super) struct CallPermit<'a> {
    limiter: &'a CallLimiter,
    epoch: u64,
    is_probe: bool,
}

impl CallLimiter {
    pub(super) fn new(backoff: Backoff) -> Self {
        let now = Instant::now();
        Self {
            queue: tokio::sync::Mutex::new(()),
            state: Mutex::new(LimiterState {
                rate: CallRate::new(backoff, now),
                breaker: Breaker::new(backoff),
                paused_until: None,
                has_changed: false,
            }),
            report: Mutex::default(),
        }
    }

    /// A limiter with the limit that an earlier limiter of the account has learnt, if that still holds. Returns the pause before
    /// its first call, too.
    pub(super) fn starting_with(
        learnt: Option<LearntLimit>,
        backoff: Backoff,
        now: Timestamp,
    ) -> (Self, Option<Duration>) {
        let limiter = Self::new(backoff);
        let Some(learnt) = learnt.filter(|limit| limit.is_current(now)) else { return (limiter, None) };
        let pause = learnt.remaining_pause(now);
        let mut state = limiter.lock();
        let resume_at = Instant::now() + pause;
        let is_usable = state.rate.continue_with(&learnt, resume_at);
        if is_usable {
            state.pause(resume_at);
        }
        drop(state);
        (limiter, is_usable.then_some(pause))
    }

    /// Calls `report` if the limit has changed since the last report; without a limit now, with `None`.
    pub(super) fn report_change(&self, now: Timestamp, report: impl FnOnce(Option<LearntLimit>)) {
        let _in_order = self.report.lock();
        let limit = {
            let mut state = self.lock();
            if !std::mem::take(&mut state.has_changed) {
                return;
            }
            state.learnt(now, Instant::now())
        };
        report(limit);
    }

    /// Waits until the next call is permitted.
    ///
    /// # Errors
    /// When that takes longer than [`MAX_WAIT`], or the service is down.
    pub(super) async fn acquire(&self) -> Result<CallPermit<'_>, Rejected> {
        let _turn = self.queue.lock().await;
        loop {
            let wait = {
                let mut state = self.lock();
                let now = Instant::now();
                match state.step(now) {
                    LimiterDecision::Go { is_probe } => {
                        return Ok(CallPermit { limiter: self, epoch: state.rate.epoch(), is_probe });
                    }
                    LimiterDecision::Wait(wait) => wait,
                    LimiterDecision::Reject(rejected) => return Err(rejected),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// The rate that it keeps, in calls a second; `None` without a limit.
    pub(super) fn limit(&self) -> Option<f64> {
        self.lock().rate.limit()
    }

    /// Permits one call that shows whether the service is back, although the time for it has not come.
    pub(super) fn allow_probe(&self) {
        self.lock().breaker.allow_probe();
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, LimiterState> {
        self.state.lock()
    }
}

enum LimiterDecision {
    Go { is_probe: bool },
    Wait(Duration),
    Reject(Rejected),
}

impl LimiterState {
    fn step(&mut self, now: Instant) -> LimiterDecision {
        if let Some(until) = self.paused_until {
            let remaining = until.saturating_duration_since(now);
            if remaining > MAX_WAIT {
                return LimiterDecision::Reject(Rejected::Paused(remaining));
            }
            if !remaining.is_zero() {
                return LimiterDecision::Wait(remaining);
            }
            self.paused_until = None;
        }
        if let Some(remaining) = self.breaker.open_for(now) {
            return LimiterDecision::Reject(Rejected::Down(remaining));
        }
        let before = self.rate.limit();
        let taken = self.rate.take(now);
        self.has_changed |= self.rate.limit() != before;
        match taken {
            Ok(()) => LimiterDecision::Go { is_probe: self.breaker.permit() },
            Err(wait) => LimiterDecision::Wait(wait),
        }
    }

    /// The limit, as the next client of the account has to know it; `now` and `instant` are the same time.
    fn learnt(&self, now: Timestamp, instant: Instant) -> Option<LearntLimit> {
        let pause =
            self.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(instant));
        let resume_at = SignedDuration::try_from(pause).ok().and_then(|pause| now.checked_add(pause).ok());
        self.rate.learnt(resume_at.unwrap_or(now), now)
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |now| now.max(until)));
    }
}

impl CallPermit<'_> {
    /// Reports the result of the call.
    ///
    /// Returns how long all calls pause because of it.
    pub(super) fn complete(mut self, outcome: PermittedOutcome) -> Duration {
        let now = Instant::now();
        let mut state = self.limiter.lock();
        match outcome {
            PermittedOutcome::Answered => state.breaker.on_answer(),
            PermittedOutcome::Throttled(retry_after) => {
                state.breaker.on_answer();
                let pause = state.rate.throttled(self.epoch, retry_after, now);
                state.pause(now + pause);
                state.has_changed = true;
            }
            PermittedOutcome::Failed(retry_after) => {
                state.breaker.on_failure(now);
                if let Some(retry_after) = retry_after {
                    state.pause(now + retry_after);
                }
            }
        }
        self.is_probe = false;
        state.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.limiter.lock().breaker.on_unused();
        }
    }
}
