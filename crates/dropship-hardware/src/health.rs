//! Whether the service of one account answers, by the outcomes of the latest calls.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use crate::error::{Error, Recovery};

/// Failures in a row after which a service counts as down, if they also span [`MIN_SPAN`].
const FAILURES: u32 = 2;
/// Minimum time since the first of these failures: a short burst is not an outage.
const MIN_SPAN: SignedDuration = SignedDuration::from_secs(3);
/// Interval between checks while the service does not answer, or while the clocks differ.
const RECHECK: SignedDuration = SignedDuration::from_secs(4);
/// Time without a call after which the connection is checked.
const MAX_SILENCE: SignedDuration = SignedDuration::from_secs(60);
/// A service counts as throttling until this long after the pause that it asked for. Without it the state would change with
/// every call near the limit.
const AFTER_PAUSE: SignedDuration = SignedDuration::from_secs(8);

/// What the latest calls of an account say about its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It answers, or no call was made yet.
    Up,
    /// It throttles.
    Throttled {
        /// Time of the first response with status 429; if an earlier client received it, the start of this client.
        since: Timestamp,
        /// No call is made before this time.
        until: Timestamp,
    },
    /// It does not answer, or answers only with failures.
    Down {
        /// Time of the first failure.
        since: Timestamp,
        /// The last failure.
        why: String,
        /// Time of the next check.
        retry: Timestamp,
    },
}

/// One of the two services that an account uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeerService {
    /// The Hardware dashboard API.
    Api,
    /// The token service.
    Authority,
}

/// Outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallOutcome<'a> {
    /// The peer answered, with success or with an error of the call.
    Answered,
    /// The peer throttles for this time.
    Throttled(Duration),
    /// No response, or a failure of the peer.
    Failed(&'a Error),
}

impl<'a> CallOutcome<'a> {
    /// The outcome of a call to the token service. `None` if nothing was sent, for example because the secret is unreadable.
    pub(crate) fn of_token<T>(result: &'a Result<T, Error>) -> Option<Self> {
        let Err(error) = result else { return Some(Self::Answered) };
        match error.status {
            Some(429) => Some(Self::Throttled(error.retry_after.unwrap_or_default())),
            _ if error.recovery == Recovery::Retry => Some(Self::Failed(error)),
            Some(_) => Some(Self::Answered),
            None => None,
        }
    }
}

/// The outcomes of the latest calls to one peer.
#[derive(Debug, Default)]
struct PeerCalls {
    /// Failures in a row.
    failures: u32,
    /// Time and text of the first and the last of them.
    failing: Option<(Timestamp, String)>,
}

#[derive(Debug, Default)]
struct HealthState {
    api: PeerCalls,
    authority: PeerCalls,
    /// A failed call is among the failures, not only checks of the connection.
    calls_failed: bool,
    /// Start and end of the throttling.
    throttled: Option<(Timestamp, Timestamp)>,
    /// Time of the last outcome.
    last: Option<Timestamp>,
    /// Time of the last check of the connection.
    checked: Option<Timestamp>,
    /// A check has confirmed the failures: they are not those of one operation.
    is_confirmed: bool,
}

/// The health of the services of one account.
#[derive(Debug, Default)]
pub(crate) struct ServiceHealth(Mutex<HealthState>);

impl ServiceHealth {
    /// Records the outcome of a call.
    pub(crate) fn record(&self, peer: PeerService, outcome: CallOutcome<'_>) {
        let now = Timestamp::now();
        let mut state = self.state();
        state.last = Some(now);
        if let CallOutcome::Failed(error) = outcome {
            state.calls_failed = true;
            state.calls(peer).fail(now, error.to_string());
            return;
        }
        *state.calls(peer) = PeerCalls::default();
        if !state.is_failing() {
            (state.calls_failed, state.is_confirmed) = (false, false);
        }
        if let CallOutcome::Throttled(pause) = outcome {
            state.throttle(pause, now);
        }
    }

    /// Records a pause that the service asked an earlier client for. It is not the outcome of a call.
    pub(crate) fn inherit_throttling(&self, pause: Duration) {
        self.state().throttle(pause, Timestamp::now());
    }

    /// Whether a check of the connection is due.
    pub(crate) fn is_check_due(&self, is_urgent: bool) -> bool {
        self.state().is_check_due(is_urgent, Timestamp::now())
    }

    /// The same. If so, it counts as started.
    pub(crate) fn start_check(&self, is_urgent: bool) -> bool {
        let now = Timestamp::now();
        let mut state = self.state();
        let is_due = state.is_check_due(is_urgent, now);
        if is_due {
            state.checked = Some(now);
        }
        is_due
    }

    /// Records that a check found the service working.
    pub(crate) fn check_passed(&self) {
        let mut state = self.state();
        state.last = Some(Timestamp::now());
        (state.api, state.authority) = (PeerCalls::default(), PeerCalls::default());
        (state.calls_failed, state.is_confirmed) = (false, false);
    }

    /// Records that a check failed. `why` is its failure, unless a call has recorded that.
    pub(crate) fn check_failed(&self, why: Option<String>) {
        let now = Timestamp::now();
        let mut state = self.state();
        state.last = Some(now);
        if let Some(why) = why {
            state.api.fail(now, why);
        }
        state.is_confirmed = state.is_failing();
    }

    /// Whether calls fail, which may not be an outage yet. Only a call can show that it is over.
    pub(crate) fn have_calls_failed(&self) -> bool {
        self.state().calls_failed
    }

    /// Whether the last outcome was a failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.state().is_failing()
    }

    /// What the outcomes say at this time.
    pub(crate) fn availability(&self, now: Timestamp) -> Availability {
        let state = self.state();
        for calls in [&state.api, &state.authority] {
            if state.is_confirmed
                && let Some((since, why)) = &calls.failing
                && calls.failures >= FAILURES
                && now.duration_since(*since) >= MIN_SPAN
            {
                let retry = state
                    .checked
                    .and_then(|checked| checked.checked_add(RECHECK).ok())
                    .unwrap_or(now)
                    .max(now);
                return Availability::Down { since: *since, why: why.clone(), retry };
            }
        }
        match state.throttled {
            Some((since, until)) if now < until + AFTER_PAUSE => Availability::Throttled { since, until },
            _ => Availability::Up,
        }
    }

    fn state(&self) -> MutexGuard<'_, HealthState> {
        self.0.lock()
    }
}

impl HealthState {
    fn throttle(&mut self, pause: Duration, now: Timestamp) {
        let until = now.checked_add(pause).unwrap_or(now);
        self.throttled = Some(match self.throttled {
            Some((since, end)) if now < end + AFTER_PAUSE => (since, end.max(until)),
            _ => (now, until),
        });
    }

    fn is_check_due(&self, is_urgent: bool, now: Timestamp) -> bool {
        let is_watched = is_urgent || self.is_failing();
        let (last, interval) = if is_watched { (self.checked, RECHECK) } else { (self.last, MAX_SILENCE) };
        last.is_none_or(|last| now.duration_since(last) >= interval)
    }

    fn is_failing(&self) -> bool {
        self.api.failures + self.authority.failures > 0
    }

    fn calls(&mut self, peer: PeerService) -> &mut PeerCalls {
        match peer {
            PeerService::Api => &mut self.api,
            PeerService::Authority => &mut self.authority,
        }
    }
}

impl PeerCalls {
    fn fail(&mut self, now: Timestamp, why: String) {
        self.failures = self.failures.saturating_add(1);
        let since = self.failing.as_ref().map_or(now, |(since, _)| *since);
        self.failing = Some((since, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::not_sent("list products", Recovery::Retry, "connection refused")
    }

    fn later(seconds: i64) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn service_is_down_when_a_check_confirms_repeated_failures() {
        let (health, error) = (ServiceHealth::default(), lost());
        health.record(PeerService::Api, CallOutcome::Failed(&error));
        health.check_failed(None);
        assert_eq!(health.availability(later(60)), Availability::Up, "one failure");
        health.record(PeerService::Api, CallOutcome::Failed(&error));
        assert_eq!(health.availability(later(0)), Availability::Up, "a short burst");
        assert!(
            matches!(health.availability(later(5)), Availability::Down { why, .. } if why.contains("refused"))
        );
        health.record(PeerService::Authority, CallOutcome::Answered);
        assert!(matches!(health.availability(later(5)), Availability::Down { .. }), "another peer");
        health.record(PeerService::Api, CallOutcome::Answered);
        assert_eq!(health.availability(later(5)), Availability::Up);
    }

    #[test]
    fn failures_of_one_operation_are_no_outage() {
        let (health, error) = (ServiceHealth::default(), lost());
        for _ in 0..9 {
            health.record(PeerService::Api, CallOutcome::Failed(&error));
        }
        assert_eq!(health.availability(later(60)), Availability::Up, "no check has confirmed it");
        health.check_passed();
        health.record(PeerService::Api, CallOutcome::Failed(&error));
        assert_eq!(health.availability(later(60)), Availability::Up);
    }

    #[test]
    fn failed_checks_without_calls_end_with_a_good_one() {
        let health = ServiceHealth::default();
        assert!(health.start_check(false) && !health.have_calls_failed());
        health.check_failed(Some("refused".to_owned()));
        assert!(!health.start_check(false), "the next check comes later");
        health.check_failed(Some("refused".to_owned()));
        assert!(matches!(health.availability(later(5)), Availability::Down { .. }));
        health.check_passed();
        assert_eq!(health.availability(later(5)), Availability::Up);
    }

    #[test]
    fn throttling_ends_shortly_after_the_pause_and_keeps_its_start() {
        let health = ServiceHealth::default();
        health.record(PeerService::Api, CallOutcome::Throttled(Duration::from_secs(5)));
        let Availability::Throttled { since, .. } = health.availability(later(0)) else {
            panic!("throttled")
        };
        health.record(PeerService::Api, CallOutcome::Answered);
        health.record(PeerService::Api, CallOutcome::Throttled(Duration::from_secs(30)));
        let Availability::Throttled { since: still, until } = health.availability(later(0)) else {
            panic!("throttled")
        };
        assert!(still == since && until > later(20));
        assert_eq!(health.availability(later(60)), Availability::Up);
    }
}
