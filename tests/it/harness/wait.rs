//! Waiting for conditions.

use std::time::{Duration, Instant};

/// No test waits longer than this for one condition. It is long, since a slow machine must not fail a test.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Calls `ask` until it returns something; `None` after [`TIME_LIMIT`].
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if began.elapsed() > TIME_LIMIT {
            eprintln!("gave up waiting for {what}");
            return None;
        }
        // The interval between two calls; no test depends on its length.
        let _timed_out = never.recv_timeout(Duration::from_millis(20));
    }
}
