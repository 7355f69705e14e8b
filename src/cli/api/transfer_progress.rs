//! A progress line on the terminal while bytes are transferred.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Minimum time between two updates of the line.
const REFRESH: Duration = Duration::from_millis(100);

/// Width of the bar in characters.
const BAR: u64 = 30;

/// The progress of one transfer. Nothing is written unless standard error is a terminal.
pub(super) struct TransferProgress {
    started: Instant,
    /// Size of the whole transfer in bytes, where it is known.
    total: Option<u64>,
    /// When the line was last drawn; the outer option is absent without a terminal.
    last_drawn: Option<Mutex<Option<Instant>>>,
}

impl TransferProgress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { started: Instant::now(), total, last_drawn: is_terminal.then(Mutex::default) }
    }

    /// Draws the line; `bytes` is the number of bytes transferred so far.
    pub(super) fn update(&self, bytes: u64) {
        let Some(mut last_drawn) = self.last_drawn.as_ref().map(Mutex::lock) else { return };
        if last_drawn.is_some_and(|at| at.elapsed() < REFRESH) {
            return;
        }
        *last_drawn = Some(Instant::now());
        let line = bar(bytes, self.total) + &rate(bytes, self.started.elapsed());
        let mut err = std::io::stderr().lock();
        drop(write!(err, "\r\x1b[K{line}").and_then(|()| err.flush()));
    }

    /// Erases the line.
    pub(super) fn finish(&self) {
        if self.last_drawn.is_some() {
            let mut err = std::io::stderr().lock();
            drop(write!(err, "\r\x1b[K").and_then(|()| err.flush()));
        }
    }
}

/// A bar with the percentage; empty while the total is unknown.
fn bar(bytes: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else { return String::new() };
    let share = |of: u64| usize::try_from(bytes.min(total).saturating_mul(of) / total).unwrap_or(0);
    let (done, width) = (share(BAR), usize::try_from(BAR).unwrap_or(0));
    format!("[{:<width$}] {:>3} %  ", "#".repeat(done), share(100))
}

/// Size and average rate, with one decimal place.
fn rate(bytes: u64, elapsed: Duration) -> String {
    let tenths = |bytes: u64| bytes.saturating_mul(10) / (1 << 20);
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let (size, speed) = (tenths(bytes), tenths(bytes.saturating_mul(1000) / milliseconds));
    format!("{}.{} MiB, {}.{} MiB/s", size / 10, size % 10, speed / 10, speed % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_line_shows_size_rate_and_percentage() {
        assert_eq!(rate(0, Duration::ZERO), "0.0 MiB, 0.0 MiB/s");
        assert_eq!(rate(3 << 20, Duration::from_secs(2)), "3.0 MiB, 1.5 MiB/s");
        assert_eq!(bar(1, None), "");
        assert_eq!(bar(50, Some(100)), format!("[{}{}]  50 %  ", "#".repeat(15), " ".repeat(15)));
        assert_eq!(rate(u64::MAX, Duration::from_secs(1)).split(' ').count(), 4);
    }
}
