//! Folders whose file system does not respond, such as a dead network share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dropship_shared_folder::Progress;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinHandle};

use crate::folder_issue::FolderIssue;

/// Stall timeout: if the file system of a folder does not respond for this time, the folder gives up its permit, and other folders
/// no longer wait for it.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Interval between two checks of the progress.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of folders that hang without delaying others. Each keeps a thread.
pub(crate) const MAX_HUNG: usize = 64;

/// Permits for work on the file system, over all folders. A folder that hangs gives its permit back.
#[derive(Debug, Clone)]
pub(crate) struct WorkPermits {
    permits: Arc<Semaphore>,
    hung: Arc<AtomicUsize>,
}

impl WorkPermits {
    pub(crate) fn new(count: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(count)), hung: Arc::default() }
    }

    /// Waits for a permit; `None` if no more permits are given.
    pub(crate) async fn acquire(&self) -> Option<WorkPermit> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some(WorkPermit { permit: Some(permit), hung: Arc::clone(&self.hung), counts_as_hung: false })
    }
}

/// Permission for work of one folder.
#[derive(Debug)]
pub(crate) struct WorkPermit {
    permit: Option<OwnedSemaphorePermit>,
    hung: Arc<AtomicUsize>,
    counts_as_hung: bool,
}

impl WorkPermit {
    /// Waits for the work that was started with this permit.
    pub(crate) async fn wait<T>(self, progress: &Progress, work: JoinHandle<T>) -> Result<T, JoinError> {
        self.wait_until_hung(progress, work, STALL_TIMEOUT, CHECK_INTERVAL).await
    }

    async fn wait_until_hung<T>(
        mut self,
        progress: &Progress,
        mut work: JoinHandle<T>,
        stall_timeout: Duration,
        interval: Duration,
    ) -> Result<T, JoinError> {
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(interval), if !self.counts_as_hung => {
                    if progress.silence() > stall_timeout {
                        self.give_back();
                    }
                }
            }
        }
    }

    fn give_back(&mut self) {
        let one_more = |count| (count < MAX_HUNG).then_some(count + 1);
        self.counts_as_hung = self.hung.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        if self.counts_as_hung {
            self.permit = None;
        }
    }
}

impl Drop for WorkPermit {
    fn drop(&mut self) {
        if self.counts_as_hung {
            self.hung.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The issue of a folder that hangs.
pub(crate) fn issue() -> FolderIssue {
    FolderIssue::degraded(
        "its file system does not respond",
        "check the mount, and the server if it is a network share; watching continues once it responds",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn folder_that_hangs_gives_its_permit_to_another() {
        let permits = WorkPermits::new(1);
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let progress = Progress::default();
        let first = permits.acquire().await.unwrap();
        let waits = tokio::spawn({
            let progress = progress.clone();
            async move {
                let of_work = progress.clone();
                let work = tokio::task::spawn_blocking(move || {
                    let _work = of_work.begin();
                    hung.recv().ok();
                });
                first
                    .wait_until_hung(&progress, work, Duration::from_millis(1), Duration::from_millis(1))
                    .await
            }
        });
        let second = permits.acquire().await.unwrap();
        // Work that makes progress keeps its permit.
        let quick = tokio::task::spawn_blocking(|| 1);
        assert_eq!(second.wait(&Progress::default(), quick).await.unwrap(), 1);
        drop(release);
        waits.await.unwrap().unwrap();
        assert_eq!(permits.hung.load(Ordering::Relaxed), 0);
        assert!(permits.acquire().await.is_some());
    }

    #[tokio::test]
    async fn too_many_hung_folders_delay_the_others() {
        let permits = WorkPermits::new(1);
        permits.hung.store(MAX_HUNG, Ordering::Relaxed);
        let mut permit = permits.acquire().await.unwrap();
        permit.give_back();
        assert!(permit.permit.is_some());
    }
}
