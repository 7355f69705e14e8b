//! Progress of file work. A file system that hangs makes none.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Progress is recorded as the time since this moment.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Stands for no work.
const IDLE: u64 = 0;

/// When the file work in one place, which is done by one thread at a time, last made progress. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

/// Work that runs until this is dropped.
#[derive(Debug)]
#[must_use = "the work ends when this is dropped"]
pub struct FileWork(Progress);

impl Progress {
    /// Work begins that waits for the file system.
    pub fn begin(&self) -> FileWork {
        self.advance();
        FileWork(self.clone())
    }

    /// The file system has answered.
    pub fn advance(&self) {
        self.advance_at(START.elapsed());
    }

    /// The file system has answered this long after the start.
    fn advance_at(&self, now: Duration) {
        // Milliseconds, and never the value that stands for no work.
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        self.0.store(now, Ordering::Relaxed);
    }

    /// The work continues without the file system, until the next [`Self::advance`].
    pub fn pause(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    /// Time since the file system last answered; zero if no work waits for it.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.silence_at(START.elapsed())
    }

    /// The same this long after the start.
    fn silence_at(&self, now: Duration) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            IDLE => Duration::ZERO,
            last => now.saturating_sub(Duration::from_millis(last)),
        }
    }

    /// The same reader; each read is progress.
    pub fn reader<R: Read>(&self, from: R) -> impl Read {
        ProgressReader { from, progress: self.clone() }
    }
}

impl Drop for FileWork {
    fn drop(&mut self) {
        self.0.pause();
    }
}

struct ProgressReader<R> {
    from: R,
    progress: Progress,
}

impl<R: Read> Read for ProgressReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer);
        self.progress.advance();
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_that_waits_for_the_file_system_is_silent() {
        let progress = Progress::default();
        // Times after the start of this process, which runs for seconds.
        let [hour, two_hours] = [1, 2].map(|hours| Duration::from_secs(hours * 3600));
        assert_eq!(progress.silence_at(two_hours), Duration::ZERO);
        let work = progress.begin();
        assert!(progress.silence_at(two_hours) > hour, "it waits since it began");
        progress.advance_at(hour);
        assert_eq!(progress.silence_at(two_hours), hour - Duration::from_millis(1));
        assert_eq!(io::copy(&mut progress.reader(&b"data"[..]), &mut io::sink()).unwrap(), 4);
        // The read comes now, which is before that hour has passed.
        assert!(progress.silence_at(two_hours) > hour, "a read is progress");
        progress.pause();
        assert_eq!(progress.silence_at(two_hours), Duration::ZERO);
        progress.advance();
        drop(work);
        assert_eq!(progress.silence_at(two_hours), Duration::ZERO);
    }
}
