//! Limits the rate of calls by a token bucket. The first 429, or a limit that was learnt before, creates the bucket, and
//! each further 429 reduces its rate. The rate grows again automatically.
//!
//! The service does not publish its limit, so the limit is estimated: the number of calls since the last 429, divided by the time
//! that they took, including the pause that the service asks for. The length of the service's window need not be known. Each 429
//! pauses all calls. Therefore the rate starts a little below the estimate, and grows in each span without a 429. Each such span
//! adds twice as much as the span before: the rate stays near a limit that still exists, and soon exceeds a limit that no longer
//! exists.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::learnt::{LearntLimit, raised_rate};
use crate::backoff::{Backoff, random_unit};

/// Part of the estimated limit that is used.
const USED_PART: f64 = 0.98;
/// Factor for the rate if a 429 comes within its first span.
const DECREASE: f64 = 0.9;
/// A span that used less than this part of the rate does not show that the service allows the rate.
const MIN_USE: f64 = 0.8;
/// At this multiple of the rate after the last 429, the limit is dropped.
const MAX_GROWTH: f64 = 8.0;
/// Number of increases after which the rate has certainly passed [`MAX_GROWTH`].
const MAX_RAISED: u32 = 12;
/// Minimum number of calls for an estimate.
const MIN_CALLS: u32 = 4;
/// Slowest rate, calls a second.
const SLOWEST: f64 = 1.0 / 30.0;
/// Fastest rate that is limited, calls a second.
const FASTEST: f64 = 10_000.0;
/// Shortest and longest span after which the rate can grow.
const SHORTEST_SPAN: Duration = Duration::from_millis(100);
const LONGEST_SPAN: Duration = Duration::from_secs(60);
/// Longest pause after a 429 that names none.
const LONGEST: Duration = Duration::from_secs(60);
/// Calls before a pause of this length do not count for the estimate.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct CallRate {
    backoff: Backoff,
    bucket: Option<Bucket>,
    /// Number of 429s that changed the rate. A 429 to a call of an earlier epoch does not change it.
    epoch: u64,
    /// Start of the time in which `passed` calls were allowed.
    since: Instant,
    passed: u32,
    /// Time of the last of these calls.
    last: Instant,
    /// Number of 429s in a row that name no pause.
    unnamed: u32,
    /// The limit was learnt by an earlier limiter, whose calls `passed` lacks.
    is_inherited: bool,
}

#[derive(Debug)]
struct Bucket {
    /// Calls a second.
    rate: f64,
    /// The rate right after the last 429.
    base: f64,
    /// Calls that may be made at once.
    tokens: f64,
    /// Length of a span after which the rate can grow.
    span: Duration,
    filled: Instant,
    last_growth: Instant,
    /// Number of times that the rate has grown since the last 429.
    raised: u32,
    /// Number of calls in the present span.
    used: u32,
}

impl CallRate {
    pub(super) fn new(backoff: Backoff, now: Instant) -> Self {
        Self {
            backoff,
            bucket: None,
            epoch: 0,
            since: now,
            passed: 0,
            last: now,
            unnamed: 0,
            is_inherited: false,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The rate in calls a second; `None` without a limit.
    pub(super) fn limit(&self) -> Option<f64> {
        self.bucket.as_ref().map(|bucket| bucket.rate)
    }

    /// Continues with a limit that was learnt before, unless it is unusable. Returns whether it does.
    pub(super) fn continue_with(&mut self, learnt: &LearntLimit, from: Instant) -> bool {
        // Values from outside can be any number.
        if !(learnt.per_second.is_finite() && learnt.span.is_finite()) {
            return false;
        }
        let span = Duration::try_from_secs_f64(learnt.span).unwrap_or_default();
        self.set(learnt.per_second.clamp(SLOWEST, FASTEST), span.clamp(SHORTEST_SPAN, LONGEST_SPAN), from);
        if let Some(bucket) = &mut self.bucket {
            bucket.raised = learnt.raised.min(MAX_RAISED);
            bucket.rate = raised_rate(bucket.base, bucket.raised);
        }
        self.is_inherited = true;
        true
    }

    /// The limit, as another limiter can continue with it.
    pub(super) fn learnt(&self, resume_at: Timestamp, learnt_at: Timestamp) -> Option<LearntLimit> {
        let bucket = self.bucket.as_ref()?;
        Some(LearntLimit {
            per_second: bucket.base,
            raised: bucket.raised,
            span: bucket.span.as_secs_f64(),
            resume_at,
            learnt_at,
        })
    }

    /// Allows one call, or returns how long to wait for it.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(bucket) = &mut self.bucket {
            bucket.grow(now);
            if bucket.rate > bucket.base * MAX_GROWTH {
                tracing::info!("The service has not throttled for long; calls are no longer slowed");
                self.bucket = None;
            } else {
                bucket.take(now)?;
            }
        }
        if now.saturating_duration_since(self.last) > SILENCE {
            (self.since, self.passed) = (now, 0);
        }
        self.last = now;
        self.passed = self.passed.saturating_add(1);
        Ok(())
    }

    /// Reduces the rate after a 429 to a call of this epoch. Returns the pause for all calls.
    pub(super) fn throttled(&mut self, epoch: u64, retry_after: Option<Duration>, now: Instant) -> Duration {
        let current = epoch == self.epoch;
        let pause = retry_after.unwrap_or_else(|| {
            if current {
                self.unnamed = self.unnamed.saturating_add(1);
            }
            let ceiling = self.backoff.ceiling(self.unnamed.saturating_add(2)).min(LONGEST);
            ceiling.mul_f64(0.5 + random_unit() / 2.0)
        });
        if retry_after.is_some() {
            self.unnamed = 0;
        }
        if !current {
            return pause;
        }
        let span = (now - self.since) + pause;
        let seconds = span.as_secs_f64().max(0.001);
        let estimate = f64::from(self.passed.max(1)) / seconds;
        let rate = match &self.bucket {
            // A rate without a 429 for a while is within the limit, however many calls were waiting.
            Some(bucket) if bucket.raised > 0 => estimate.max(bucket.base).min(bucket.rate) * USED_PART,
            // A few calls after a silence are no estimate, nor are a part of the calls.
            Some(bucket) if self.is_inherited || self.passed < MIN_CALLS => bucket.rate * DECREASE,
            Some(bucket) => (estimate * USED_PART).min(bucket.rate * DECREASE),
            None => estimate * USED_PART,
        }
        .max(SLOWEST);
        let per_minute = (rate * 60.0).round();
        tracing::warn!(
            per_minute,
            pause_ms = pause.as_millis(),
            "The service throttles: calls pause, then continue at {per_minute} a minute"
        );
        self.set(rate, span.clamp(SHORTEST_SPAN, LONGEST_SPAN), now + pause);
        self.epoch += 1;
        pause
    }

    /// Limits the calls from this time to a rate.
    fn set(&mut self, rate: f64, span: Duration, from: Instant) {
        self.bucket = Some(Bucket {
            rate,
            base: rate,
            tokens: 1.0,
            span,
            filled: from,
            last_growth: from,
            raised: 0,
            used: 0,
        });
        self.since = from;
        self.last = from;
        self.passed = 0;
        self.is_inherited = false;
    }
}

impl Bucket {
    /// Raises the rate by one step after a span without a 429 in which nearly the whole rate was used. Fewer calls do not show that
    /// the service allows the rate.
    fn grow(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.last_growth);
        let allowed = self.rate * passed.as_secs_f64();
        if passed < self.span || allowed < 1.0 {
            return;
        }
        self.last_growth = now;
        if f64::from(std::mem::take(&mut self.used)) >= MIN_USE * allowed {
            self.raise();
        }
    }

    fn raise(&mut self) {
        self.raised += 1;
        self.rate = raised_rate(self.base, self.raised);
    }

    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let max_tokens = (self.rate * self.span.as_secs_f64() * 0.1).clamp(1.0, 5.0);
        let fresh = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + fresh).min(max_tokens);
        self.filled = self.filled.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            self.used = self.used.saturating_add(1);
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / self.rate) + Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::DEFAULT;
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn limit_estimated_after_a_silence_does_not_count_the_silence() {
        let start = Instant::now();
        let mut rate = CallRate::new(BACKOFF, start);
        let busy = start + Duration::from_secs(7200);
        for call in 0..40_u32 {
            assert_eq!(rate.take(busy + SECOND * call / 40), Ok(()));
        }
        rate.throttled(0, Some(59 * SECOND), busy + SECOND);
        let per_minute = rate.bucket.as_ref().expect("a limit").rate * 60.0;
        assert!((38.0..=40.0).contains(&per_minute), "{per_minute}");
    }

    #[test]
    fn few_calls_after_a_silence_are_no_estimate() {
        let start = Instant::now();
        let mut rate = CallRate::new(BACKOFF, start);
        (0..600).for_each(|_| assert_eq!(rate.take(start), Ok(())));
        rate.throttled(0, Some(60 * SECOND), start);
        let before = rate.bucket.as_ref().expect("a limit").rate;
        let later = start + Duration::from_secs(7200);
        assert_eq!(rate.take(later), Ok(()));
        assert_eq!(rate.take(later), Ok(()));
        rate.throttled(1, Some(59 * SECOND), later + SECOND);
        let after = rate.bucket.as_ref().expect("a limit").rate;
        assert!(after < before && after > before / 2.0, "{after} after {before} a second");
    }

    #[test]
    fn rate_that_was_not_used_is_not_raised() {
        let start = Instant::now();
        let mut rate = CallRate::new(BACKOFF, start);
        assert_eq!(rate.take(start), Ok(()));
        rate.throttled(0, Some(SECOND), start);
        let estimate = |rate: &CallRate| rate.bucket.as_ref().expect("a limit").rate;
        let (first, mut now) = (estimate(&rate), start + Duration::from_secs(7200));
        assert_eq!(rate.take(now), Ok(()));
        assert_eq!(estimate(&rate), first, "nothing was tried in two hours");
        while estimate(&rate) <= first {
            now += rate.take(now).err().unwrap_or_default();
            assert!(now < start + Duration::from_secs(7260), "used as far as it goes it grows");
        }
    }
}
