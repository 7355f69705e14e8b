//! Remembers which folders do not respond, for example on a dead network share.
//!
//! A thread that waits for such a folder cannot be stopped. While one waits, no other is started for the same folder, so that
//! retries do not use up all threads. The whole process shares this, because it is the machine's file system that hangs.

use std::collections::HashMap;
use std::io;
use std::iter::Enumerate;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak, mpsc};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use parking_lot::{Condvar, Mutex};

/// By folder: work that did not end in time. It still runs while its token is alive.
static HUNG: LazyLock<Mutex<HashMap<PathBuf, Weak<()>>>> = LazyLock::new(Mutex::default);

/// Work in a folder.
pub struct PlaceWork {
    folder: PathBuf,
    token: Weak<()>,
}

/// Starts work in a folder. The token must be kept until the work has ended.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] while earlier work hangs there.
pub fn begin(folder: &Path) -> io::Result<(PlaceWork, Arc<()>)> {
    let mut hung = HUNG.lock();
    if let Some(earlier) = hung.get(folder) {
        if earlier.strong_count() > 0 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the file system still does not respond to an earlier attempt",
            ));
        }
        hung.remove(folder);
    }
    drop(hung);
    let token = Arc::new(());
    Ok((PlaceWork { folder: folder.to_owned(), token: Arc::downgrade(&token) }, token))
}

impl PlaceWork {
    /// Records that the work did not end in time, and returns the error that says so.
    pub fn abandon(self, after: Duration) -> io::Error {
        HUNG.lock().insert(self.folder, self.token);
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
/// [`io::ErrorKind::TimedOut`] when the work takes longer than `limit`, or while earlier work hangs there; otherwise, when the work
/// panics, or the system has no thread left.
pub fn within<T: Send + 'static>(
    folder: &Path,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (folder_work, token) = begin(folder)?;
    let (done, result) = mpsc::sync_channel(1);
    std::thread::Builder::new().name("file work".to_owned()).spawn(move || {
        // The caller may have given up, and a late result is dropped.
        done.send(work()).ok();
        drop(token);
    })?;
    match result.recv_timeout(limit) {
        Ok(result) => Ok(result),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(folder_work.abandon(limit)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(io::Error::other("the file work failed")),
    }
}

/// Time without progress after which another thread works in the folders that are left.
const SLOW_AFTER: Duration = Duration::from_millis(100);

/// Runs the same work in several folders, on one thread while the folders respond. Returns when it is done in all of them, or
/// after `limit`: a result is absent where the work had not started by then. For callers that may block.
pub fn each_within<T: Send + 'static>(
    places: Vec<PathBuf>,
    limit: Duration,
    work: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<Option<io::Result<T>>> {
    let deadline = Instant::now() + limit;
    let folders = places.iter().map(|_| FolderProgress::Waits).collect();
    let progress = PassProgress { folders, missing: places.len() };
    let unstarted = Mutex::new(places.into_iter().enumerate());
    let pass = Arc::new(FolderPass {
        unstarted,
        work,
        deadline,
        progress: Mutex::new(progress),
        is_done: Condvar::new(),
    });
    let mut progress = pass.progress.lock();
    let mut before = usize::MAX;
    while progress.missing > 0 && Instant::now() < deadline {
        let is_slow = before == usize::MAX || before == progress.missing;
        before = progress.missing;
        if is_slow && pass.unstarted.lock().len() > 0 {
            let pass = Arc::clone(&pass);
            let thread = std::thread::Builder::new().name("file work".to_owned());
            if let Err(error) = thread.spawn(move || pass.run()) {
                tracing::debug!("cannot start a thread for file work: {error}");
            }
        }
        pass.is_done.wait_for(&mut progress, SLOW_AFTER);
    }
    let folders = std::mem::take(&mut progress.folders);
    drop(progress);
    let result = |state| match state {
        FolderProgress::Waits => None,
        FolderProgress::Begun(work) => Some(Err(work.abandon(limit))),
        FolderProgress::Done(result) => Some(result),
    };
    folders.into_iter().map(result).collect()
}

/// Work in several folders, which some threads share.
struct FolderPass<F, T> {
    unstarted: Mutex<Enumerate<IntoIter<PathBuf>>>,
    work: F,
    /// No work begins after this.
    deadline: Instant,
    progress: Mutex<PassProgress<T>>,
    /// Notified when nothing is missing.
    is_done: Condvar,
}

struct PassProgress<T> {
    /// The state of each folder. Empty when the caller has given up.
    folders: Vec<FolderProgress<T>>,
    missing: usize,
}

enum FolderProgress<T> {
    Waits,
    Begun(PlaceWork),
    Done(io::Result<T>),
}

impl<T, F: Fn(usize) -> T> FolderPass<F, T> {
    /// Works in the folders that no other thread has taken.
    fn run(&self) {
        loop {
            let next = self.unstarted.lock().next();
            let Some((index, folder)) = next.filter(|_| Instant::now() < self.deadline) else { return };
            let result = match begin(&folder) {
                Ok((work, token)) => {
                    self.record(index, FolderProgress::Begun(work));
                    let result = (self.work)(index);
                    drop(token);
                    Ok(result)
                }
                Err(error) => Err(error),
            };
            self.record(index, FolderProgress::Done(result));
        }
    }

    fn record(&self, index: usize, state: FolderProgress<T>) {
        let mut progress = self.progress.lock();
        progress.missing -= usize::from(matches!(state, FolderProgress::Done(_)));
        if let Some(slot) = progress.folders.get_mut(index) {
            *slot = state;
        }
        if progress.missing == 0 {
            self.is_done.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends a test that hangs. No result depends on it.
    const TIME_LIMIT: Duration = Duration::from_secs(120);

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
        assert_eq!(within(Path::new("/elsewhere"), TIME_LIMIT, || 1).expect("responds"), 1);
        drop(release);
        end.recv().expect("it ends");
        while begin(place).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(within(place, TIME_LIMIT, || 2).expect("responds again"), 2);
    }

    #[test]
    fn folder_that_hangs_does_not_delay_the_others() {
        let places = (0..9).map(|index| PathBuf::from(format!("/each-within-test/{index}"))).collect();
        let (ended, others) = mpsc::channel();
        let others = Mutex::new(others);
        // The fourth folder hangs until the work in all others has ended. If these waited for it, none would end before the limit.
        let work = move |index: usize| {
            if index == 3 {
                others.lock().iter().take(8).count()
            } else {
                ended.send(()).ok();
                index
            }
        };
        let results: Vec<_> = each_within(places, TIME_LIMIT, work).into_iter().flatten().flatten().collect();
        assert_eq!(results, [0, 1, 2, 8, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn folder_that_hangs_is_left_out_until_its_work_has_ended() {
        let places: Vec<_> = (0..3).map(|index| PathBuf::from(format!("/left-out-test/{index}"))).collect();
        let (release, hung) = mpsc::channel::<()>();
        let hung = Arc::new(Mutex::new(hung));
        let hang = |limit| {
            let hung = Arc::clone(&hung);
            let work = move |index: usize| {
                if index == 1 {
                    hung.lock().recv().ok();
                }
            };
            let results: Option<Vec<_>> = each_within(places.clone(), limit, work).into_iter().collect();
            results.filter(|results| results[0].is_ok() && results[2].is_ok())
        };
        // The work in the other folders ends within one of these limits, however slow the machine is.
        let mut limits = (0..8).map(|power| Duration::from_secs(1 << power));
        let mut results = limits.find_map(hang).expect("the others respond");
        assert_eq!(results.remove(1).expect_err("it hangs").kind(), io::ErrorKind::TimedOut);
        let mut again = each_within(places.clone(), TIME_LIMIT, |index| index);
        assert!(again.remove(1).expect("it was considered").is_err(), "it still hangs");
        let others: Vec<_> = again.into_iter().flatten().flatten().collect();
        assert_eq!(others, [0, 2]);
        drop(release);
        while begin(&places[1]).is_err() {
            std::thread::yield_now();
        }
        assert_eq!(each_within(places, TIME_LIMIT, |index| index).into_iter().flatten().flatten().count(), 3);
    }
}
