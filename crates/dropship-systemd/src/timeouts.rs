//! The watchdog, and the timeouts for start and stop.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::messages;

/// Interval between requests for a longer timeout.
const EXTEND_EACH: Duration = Duration::from_secs(5);
/// Time that each request asks for; four intervals, so that a busy machine may miss some.
const EXTEND_BY: Duration = Duration::from_secs(20);

/// The watchdog timeout of the unit, if it has one.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Reports that all components are alive.
pub fn feed_watchdog() {
    messages::send_now(&[NotifyState::Watchdog]);
}

/// Extends systemd's start and stop timeouts while it lives.
#[derive(Debug)]
#[must_use = "the extension ends when this is dropped"]
pub struct Extending(
    #[expect(dead_code, reason = "held until it is dropped, which ends the thread")] Sender<()>,
);

/// Extends the timeouts by at most `limit`. A thread does it, since the work may block the async runtime.
pub fn extend_timeouts(limit: Duration) -> Extending {
    let extend = || {
        messages::send_now(&[NotifyState::ExtendTimeoutUsec(
            u32::try_from(EXTEND_BY.as_micros()).unwrap_or(u32::MAX),
        )]);
    };
    extend();
    let (held, dropped) = channel::<()>();
    let rounds = u32::try_from(limit.as_secs() / EXTEND_EACH.as_secs()).unwrap_or(u32::MAX);
    let extend_repeatedly = move || {
        for _ in 0..rounds {
            if dropped.recv_timeout(EXTEND_EACH) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            extend();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("extend".to_owned()).spawn(extend_repeatedly) {
        tracing::debug!("cannot extend systemd's timeouts: {error}");
    }
    Extending(held)
}
