//! A circuit that opens when the service is down: calls then fail at once instead of after minutes.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// So many failures in a row, with no answer between them, mean that the service is down ...
const FAILURES: u32 = 10;
/// ... if they span at least so many first delays, and so long: a short burst is no outage.
const SPAN: u32 = 20;
const SHORTEST: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Breaker {
    backoff: Backoff,
    /// Failures in a row.
    failures: u32,
    /// When the first of them was.
    since: Option<Instant>,
    /// Open until then; how often it has been opened in a row.
    open: Option<(Instant, u32)>,
    /// One call is trying whether the service is back.
    probing: bool,
}

impl Breaker {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0, since: None, open: None, probing: false }
    }

    /// How long callers are refused; `None`: one may pass.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        let (until, _) = self.open?;
        let left = until.saturating_duration_since(now);
        if self.probing {
            // The probe's end decides; until then, a moment.
            return Some(left.max(self.backoff.first));
        }
        (!left.is_zero()).then_some(left)
    }

    /// A caller passes; true if it is the one that tries whether the service is back.
    pub(super) fn pass(&mut self) -> bool {
        self.probing = self.open.is_some();
        self.probing
    }

    /// The service answers.
    pub(super) fn up(&mut self) {
        if self.open.take().is_some() {
            tracing::info!("The service answers again");
        }
        self.failures = 0;
        self.since = None;
        self.probing = false;
    }

    /// A call failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        match self.open {
            Some((_, times)) if self.probing => self.open_again(now, times.saturating_add(1)),
            Some(_) => {}
            None if self.failures >= FAILURES && now - since >= (self.backoff.first * SPAN).max(SHORTEST) => {
                self.open_again(now, 0);
                let failures = self.failures;
                tracing::warn!(
                    failures,
                    "The service is down: {failures} calls in a row failed; calls wait until it answers"
                );
            }
            None => {}
        }
        self.probing = false;
    }

    /// The call that should have tried was given up.
    pub(super) fn unused(&mut self) {
        self.probing = false;
    }

    fn open_again(&mut self, now: Instant, times: u32) {
        let delay = self.backoff.ceiling(times.saturating_add(5));
        self.open = Some((now + delay, times));
    }
}
