//! File work of steps, off the async workers and bounded in time: a file system that hangs must not stop other jobs.

use std::io;
use std::time::Duration;

/// Maximum time for work on small files.
const SMALL: Duration = Duration::from_secs(10);

/// Maximum time for work that reads or copies a whole package: 8 GiB from a slow share.
const WHOLE_PACKAGE: Duration = Duration::from_secs(30 * 60);

/// Runs work on small files; waits at most 10 seconds.
///
/// # Errors
/// Those of the work; [`io::ErrorKind::TimedOut`] when the file system does not respond. The work then still runs.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    within(SMALL, work).await
}

/// Runs work that reads or copies a whole package; waits at most 30 minutes.
///
/// # Errors
/// As [`run`].
pub(super) async fn run_on_package<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    within(WHOLE_PACKAGE, work).await
}

async fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::time::timeout(limit, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => Err(io::Error::other(format!("the file work failed: {error}"))),
        Err(_) => {
            let message = format!("the file system did not respond for {} seconds", limit.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_reported_after_its_limit() {
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let error = within(Duration::from_millis(1), move || hung.recv().map_err(io::Error::other))
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
