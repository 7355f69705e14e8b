//! File work of steps, off the async workers and bounded in time: a file system that hangs must not stop other jobs.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinError;

use dropship_shared_folder::Progress;
use dropship_shared_folder::hung_places;

/// Maximum time for work on small files.
const SMALL: Duration = Duration::from_secs(10);

/// Maximum time for work that reads or copies a whole package: 8 GiB from a slow share.
const WHOLE_PACKAGE: Duration = Duration::from_secs(30 * 60);

/// Maximum time in which such work makes no progress. It is long, because the last step writes everything that is still in memory.
const MAX_SILENCE: Duration = Duration::from_secs(30);

/// Interval between two checks of the progress.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Whether the storage may respond later, or this machine may have space later.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, NotConnected, StorageFull, TimedOut};
    matches!(error.kind(), Interrupted | NotConnected | StorageFull | TimedOut)
}

/// Runs work on small files; waits at most 10 seconds.
///
/// # Errors
/// When `work` fails. [`io::ErrorKind::TimedOut`] when the file system does not respond; the work then still runs.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    run_within(SMALL, work).await
}

/// Runs work that reads or copies a whole package; waits at most 30 minutes.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_on_package<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    run_within(WHOLE_PACKAGE, work).await
}

/// Runs work on small files in an outbox or drop folder; waits at most 10 seconds. While earlier work hangs there, none is
/// started.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_in<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (folder_work, token) = hung_places::begin(folder)?;
    let work = move || {
        let done = work();
        drop(token);
        done
    };
    match tokio::time::timeout(SMALL, tokio::task::spawn_blocking(work)).await {
        Ok(done) => flatten(done),
        Err(_) => Err(folder_work.abandon(SMALL)),
    }
}

/// Runs work that reads or copies a whole package from or to an outbox or drop folder; waits at most 30 minutes, and at most 30
/// seconds without progress. While earlier work hangs there, none is started.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_on_package_in<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(&Progress) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let progress = Progress::default();
    let work_progress = progress.clone();
    let (folder_work, token) = hung_places::begin(folder)?;
    let work = move || {
        let _work = work_progress.begin();
        let done = work(&work_progress);
        drop(token);
        done
    };
    let mut working = tokio::task::spawn_blocking(work);
    let limit = tokio::time::sleep(WHOLE_PACKAGE);
    tokio::pin!(limit);
    loop {
        tokio::select! {
            done = &mut working => return flatten(done),
            () = &mut limit => return Err(folder_work.abandon(WHOLE_PACKAGE)),
            () = tokio::time::sleep(CHECK_INTERVAL) => {
                if progress.silence() > MAX_SILENCE {
                    return Err(folder_work.abandon(MAX_SILENCE));
                }
            }
        }
    }
}

async fn run_within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
        Ok(done) => flatten(done),
        Err(_) => Err(hung_places::not_in_time(limit)),
    }
}

/// Work that did not begin because the daemon stops is [`io::ErrorKind::Interrupted`].
fn flatten<T>(done: Result<io::Result<T>, JoinError>) -> io::Result<T> {
    done.unwrap_or_else(|error| {
        let kind = if error.is_cancelled() { io::ErrorKind::Interrupted } else { io::ErrorKind::Other };
        Err(io::Error::new(kind, format!("the file work failed: {error}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_reported_after_its_limit() {
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let error = run_within(Duration::from_millis(1), move || hung.recv().map_err(io::Error::other))
            .await
            .expect_err("it hangs");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(release);
    }

    #[tokio::test]
    async fn panic_in_work_is_an_error() {
        let error = run::<()>(|| panic!("broken")).await.expect_err("it panics");
        assert!(error.to_string().contains("the file work failed"), "{error}");
    }
}
