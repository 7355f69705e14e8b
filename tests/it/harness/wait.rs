//! Waiting for conditions.

use std::time::{Duration, Instant};

/// The longest wait for one condition. It is long, because a slow machine must not fail a test.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Calls `poll` until it returns a value; `None` after [`TIME_LIMIT`]. `condition` is printed in that case.
pub(crate) fn wait_for<T>(condition: &str, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    loop {
        if let Some(answer) = poll() {
            return Some(answer);
        }
        if started.elapsed() > TIME_LIMIT {
            eprintln!("timed out waiting for {condition}");
            return None;
        }
        // The interval between two calls; no test depends on its length.
        let _timed_out = never.recv_timeout(Duration::from_millis(20));
    }
}
