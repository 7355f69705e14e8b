//! One gate for all calls of an account: a rate that appears when the service throttles, pauses that hold
//! for everybody, and a breaker that opens when the service is down.
//!
//! Callers pass in the order in which they came. No limit is assumed until the service answers 429.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;

mod breaker;
mod rate;
#[cfg(test)]
mod tests;

use breaker::Breaker;
use rate::Rate;

/// Longest pause that a caller waits through; for a longer one it is told to come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// The gate of one account.
#[derive(Debug)]
pub(super) struct Gate {
    /// First come, first served: whoever holds it is next.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    breaker: Breaker,
    paused_until: Option<Instant>,
}

/// Why a caller is not let through; nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// The service asked for a pause that is too long to wait through.
    Paused(Duration),
    /// The service is down; it will be tried again after so long.
    Down(Duration),
}

/// What became of a call that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service answered, whatever it said.
    Answered,
    /// 429.
    Throttled(Option<Duration>),
    /// No answer, or a fault of the service; it may have asked for a pause.
    Failed(Option<Duration>),
}

/// The right to make one call. What became of it must be told; a pass that is dropped counts as unused.
#[derive(Debug)]
#[must_use]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    epoch: u64,
    probe: bool,
}

impl Gate {
    pub(super) fn new(backoff: Backoff) -> Self {
        let now = Instant::now();
        Self {
            queue: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                rate: Rate::new(backoff, now),
                breaker: Breaker::new(backoff),
                paused_until: None,
            }),
        }
    }

    /// Waits for one's turn.
    pub(super) async fn enter(&self) -> Result<Pass<'_>, Closed> {
        let _turn = self.queue.lock().await;
        loop {
            let wait = {
                let mut state = self.lock();
                let now = Instant::now();
                match state.step(now) {
                    Step::Go { probe } => {
                        return Ok(Pass { gate: self, epoch: state.rate.epoch(), probe });
                    }
                    Step::Wait(wait) => wait,
                    Step::Refuse(closed) => return Err(closed),
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

enum Step {
    Go { probe: bool },
    Wait(Duration),
    Refuse(Closed),
}

impl State {
    fn step(&mut self, now: Instant) -> Step {
        if let Some(until) = self.paused_until {
            let left = until.saturating_duration_since(now);
            if left > PATIENCE {
                return Step::Refuse(Closed::Paused(left));
            }
            if !left.is_zero() {
                return Step::Wait(left);
            }
            self.paused_until = None;
        }
        if let Some(left) = self.breaker.closed_for(now) {
            return Step::Refuse(Closed::Down(left));
        }
        match self.rate.take(now) {
            Ok(()) => Step::Go { probe: self.breaker.pass() },
            Err(wait) => Step::Wait(wait),
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |now| now.max(until)));
    }
}

impl Pass<'_> {
    /// Tells what became of the call.
    pub(super) fn done(mut self, outcome: Outcome) {
        let now = Instant::now();
        let mut state = self.gate.lock();
        match outcome {
            Outcome::Answered => state.breaker.up(),
            Outcome::Throttled(asked) => {
                state.breaker.up();
                let pause = state.rate.throttled(self.epoch, asked, now);
                state.pause(now + pause);
            }
            Outcome::Failed(asked) => {
                state.breaker.failed(now);
                if let Some(asked) = asked {
                    state.pause(now + asked);
                }
            }
        }
        self.probe = false;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.gate.lock().breaker.unused();
        }
    }
}
