//! A circuit breaker: when the service is down, calls fail at once instead of after minutes.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Consecutive failures that open the circuit, if they also span [`MIN_SPAN_DELAYS`] and [`MIN_SPAN`].
const FAILURES: u32 = 10;
/// Minimum time from the first to the last failure, in multiples of the back-off's first delay: a short burst is not an
/// outage.
const MIN_SPAN_DELAYS: u32 = 20;
/// Minimum time from the first to the last failure.
const MIN_SPAN: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Breaker {
    backoff: Backoff,
    /// Consecutive failures.
    failures: u32,
    /// Time of the first of them.
    since: Option<Instant>,
    /// Until when the circuit is open, and how often it was opened again without an answer in between.
    open: Option<(Instant, u32)>,
    /// A probe is in flight: one call that shows whether the service is back.
    is_probing: bool,
}

impl Breaker {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0, since: None, open: None, is_probing: false }
    }

    /// How long calls are still rejected; `None`: a call is permitted.
    pub(super) fn open_for(&self, now: Instant) -> Option<Duration> {
        let (until, _) = self.open?;
        let remaining = until.saturating_duration_since(now);
        if self.is_probing {
            // The probe's result decides; until then callers retry after the shortest delay.
            return Some(remaining.max(self.backoff.min()));
        }
        (!remaining.is_zero()).then_some(remaining)
    }

    /// Records a permitted call. Returns whether it is the probe.
    pub(super) fn permit(&mut self) -> bool {
        self.is_probing = self.open.is_some();
        self.is_probing
    }

    /// Records an answer: closes the circuit.
    pub(super) fn on_answer(&mut self) {
        if self.open.take().is_some() {
            tracing::info!("The service answers again");
        }
        self.failures = 0;
        self.since = None;
        self.is_probing = false;
    }

    /// Records a failed call; opens the circuit after too many.
    pub(super) fn on_failure(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        match self.open {
            Some((_, times)) if self.is_probing => self.open_again(now, times.saturating_add(1)),
            Some(_) => {}
            None if self.failures >= FAILURES
                && now - since >= (self.backoff.min() * MIN_SPAN_DELAYS).max(MIN_SPAN) =>
            {
                self.open_again(now, 0);
                let failures = self.failures;
                tracing::warn!(
                    failures,
                    "The service is down: {failures} calls in a row failed; calls wait until it answers"
                );
            }
            None => {}
        }
        self.is_probing = false;
    }

    /// Makes the next call the probe, whenever it comes.
    pub(super) fn allow_probe(&mut self) {
        if let Some((until, _)) = &mut self.open {
            *until = Instant::now();
        }
    }

    /// Records that the probe was dropped before it was sent.
    pub(super) fn on_unused(&mut self) {
        self.is_probing = false;
    }

    fn open_again(&mut self, now: Instant, times: u32) {
        let delay = self.backoff.ceiling(times.saturating_add(5));
        self.open = Some((now + delay, times));
    }
}
