//! Remembers which folders do not respond, for example on a dead network share.
//!
//! A thread that waits for such a folder cannot be stopped. While one waits, no other is started for the same folder, so that
//! retries do not use up all threads. The whole process shares this, because it is the machine's file system that hangs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak, mpsc};
use std::time::Duration;

use parking_lot::Mutex;

/// By folder: work that did not end in time. It still runs while its token is alive.
static HUNG: LazyLock<Mutex<HashMap<PathBuf, Weak<()>>>> = LazyLock::new(Mutex::default);

/// Work in a folder.
pub struct PlaceWork<'a> {
    place: &'a Path,
    token: Weak<()>,
}

/// Starts work in a folder. The token must be kept until the work has ended.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] while earlier work hangs there.
pub fn begin(place: &Path) -> io::Result<(PlaceWork<'_>, Arc<()>)> {
    let mut hung = HUNG.lock();
    if let Some(earlier) = hung.get(place) {
        if earlier.strong_count() > 0 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the file system still does not respond to an earlier attempt",
            ));
        }
        hung.remove(place);
    }
    drop(hung);
    let token = Arc::new(());
    Ok((PlaceWork { place, token: Arc::downgrade(&token) }, token))
}

impl PlaceWork<'_> {
    /// Records that the work did not end in time, and returns the error that says so.
    pub fn abandon(self, after: Duration) -> io::Error {
        HUNG.lock().insert(self.place.to_owned(), self.token);
        not_in_time(after)
    }
}

/// The error of work that did not end in time.
pub fn not_in_time(after: Duration) -> io::Error {
    let message = format!("the file system did not respond for {} seconds", after.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, message)
}

/// Runs work in a folder on a thread of its own; waits at most `limit`. For callers that may block.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`], also while earlier work hangs there; the system has no thread left; the work panicked.
pub fn within<T: Send + 'static>(
    place: &Path,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (begun, token) = begin(place)?;
    let (done, result) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("file work".to_owned()).spawn(move || {
        // The caller may have given up, and a late result is dropped.
        done.send(work()).ok();
        drop(token);
    })?;
    match result.recv_timeout(limit) {
        Ok(result) => Ok(result),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(begun.abandon(limit)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(io::Error::other("the file work failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_hangs_is_tried_again_only_after_the_earlier_work_has_ended() {
        let place = Path::new("/hung-places-test");
        let (release, hung) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let stuck = within(place, Duration::from_millis(1), move || {
            hung.recv().ok();
            ended.send(())
        });
        assert_eq!(stuck.expect_err("it hangs").kind(), io::ErrorKind::TimedOut);
        let again = within(place, Duration::MAX, || panic!("not started")).expect_err("it still hangs");
        assert_eq!(again.kind(), io::ErrorKind::TimedOut);
        assert_eq!(within(Path::new("/elsewhere"), Duration::from_secs(60), || 1).expect("responds"), 1);
        drop(release);
        end.recv().expect("it ends");
        while begin(place).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(within(place, Duration::from_secs(60), || 2).expect("responds again"), 2);
    }
}
