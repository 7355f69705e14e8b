//! Threads that read folders. All folders share them: handing each folder to a thread of its own, and waking a task for each
//! result, costs several times as much as reading a folder in which nothing has changed.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use dropship_shared_folder::Progress;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::hung::{MAX_HUNG, STALL_TIMEOUT};

/// Maximum number of folders that are read at the same time.
const MAX_THREADS: usize = 4;

/// Results that are delivered together while more folders wait. Each delivery wakes a thread.
const BATCH: usize = 32;

/// Time after which a second thread is started beside work that has not ended. Checked again at growing intervals.
const FIRST_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Maximum interval between two checks of work that has not ended. A result waits no longer, even if its thread has slow work next.
const MAX_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The threads for local folders and those for shares: slow shares delay other shares only.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanThreads {
    pub(crate) local: ThreadPool,
    pub(crate) remote: ThreadPool,
}

/// Some threads. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct ThreadPool(Arc<Mutex<PoolState>>);

impl std::fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PoolState { waiting, running, hung_ids, .. } = &*self.0.lock();
        write!(f, "ThreadPool({running} running, {} hung, {} folders wait)", hung_ids.len(), waiting.len())
    }
}

#[derive(Default)]
struct PoolState {
    last_id: u64,
    /// In the order of their ids.
    waiting: VecDeque<PoolTask>,
    /// Results that are not delivered yet.
    undelivered: Vec<ResultDelivery>,
    /// Threads that count against the maximum.
    running: usize,
    /// The work of these threads.
    running_ids: HashSet<u64>,
    /// Work that hangs: its thread does not count.
    hung_ids: HashSet<u64>,
}

/// Work on one folder.
struct PoolTask {
    id: u64,
    run: Box<dyn FnOnce() -> ResultDelivery + Send>,
}

/// Gives a result to the task that waits for it.
type ResultDelivery = Box<dyn FnOnce() + Send>;

/// The work panicked, or the runtime stops.
#[derive(Debug, thiserror::Error)]
#[error("the work panicked, or the daemon stops")]
pub(crate) struct WorkFailed;

/// Work that a task waits for. Only this task checks whether the work hangs; if the task ends first, the work stops counting.
struct AwaitedWork<'a> {
    pool: &'a ThreadPool,
    id: u64,
}

impl ThreadPool {
    /// Does work that blocks on the file system of one folder, whose progress is `progress`.
    ///
    /// # Errors
    /// When the work panicked, or the runtime stops.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        progress: &Progress,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkFailed> {
        let (sender, mut result) = oneshot::channel();
        let awaited = self.enqueue(Box::new(move || -> ResultDelivery {
            let done = catch_unwind(AssertUnwindSafe(work));
            // The send fails if the folder is no longer watched.
            Box::new(move || drop(sender.send(done)))
        }));
        let mut pause = FIRST_CHECK_INTERVAL;
        loop {
            tokio::select! {
                done = &mut result => return done.ok().and_then(Result::ok).ok_or(WorkFailed),
                () = tokio::time::sleep(pause) => awaited.check(progress),
            }
            pause = (pause * 2).min(MAX_CHECK_INTERVAL);
        }
    }

    fn enqueue(&self, run: Box<dyn FnOnce() -> ResultDelivery + Send>) -> AwaitedWork<'_> {
        let mut state = self.0.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.waiting.push_back(PoolTask { id, run });
        // More threads only for work that turns out to be slow.
        if state.running == 0 {
            self.start(&mut state);
        }
        AwaitedWork { pool: self, id }
    }

    fn start(&self, state: &mut MutexGuard<'_, PoolState>) {
        state.running += 1;
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.work());
    }

    /// Does the work that waits.
    fn work(&self) {
        let mut state = self.0.lock();
        loop {
            let Some(PoolTask { id, run }) = state.waiting.pop_front() else {
                state.running -= 1;
                break;
            };
            state.running_ids.insert(id);
            let deliver = MutexGuard::unlocked(&mut state, run);
            state.undelivered.push(deliver);
            if !state.running_ids.remove(&id) {
                // The work hung, so another thread has taken its place.
                state.hung_ids.remove(&id);
                break;
            }
            if state.undelivered.len() >= BATCH {
                deliver_all(&mut state);
            }
        }
        deliver_all(&mut state);
    }
}

impl AwaitedWork<'_> {
    /// Called while the work has not ended: gives its place to others if it hangs, starts a second thread for the folders that wait
    /// behind it, and delivers the results of earlier work.
    fn check(&self, progress: &Progress) {
        let mut state = self.pool.0.lock();
        if state.hung_ids.len() < MAX_HUNG && progress.silence() > STALL_TIMEOUT {
            self.give_back(&mut state);
        }
        if !state.waiting.is_empty() && state.running < MAX_THREADS {
            self.pool.start(&mut state);
        }
        deliver_all(&mut state);
    }

    /// Stops counting the thread of the work, if it has begun.
    fn give_back(&self, state: &mut PoolState) {
        if state.running_ids.remove(&self.id) {
            state.hung_ids.insert(self.id);
            state.running -= 1;
        }
    }
}

impl Drop for AwaitedWork<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.0.lock();
        // This runs once for each folder of a scan, so it must not walk the whole queue.
        if let Ok(index) = state.waiting.binary_search_by_key(&self.id, |work| work.id) {
            state.waiting.remove(index);
        }
        self.give_back(&mut state);
        // Work without a waiting task may hang without being counted.
        state.hung_ids.remove(&self.id);
        if !state.waiting.is_empty() && state.running == 0 {
            self.pool.start(&mut state);
        }
    }
}

/// Delivers the results without the lock.
fn deliver_all(state: &mut MutexGuard<'_, PoolState>) {
    let done = std::mem::take(&mut state.undelivered);
    MutexGuard::unlocked(state, || done.into_iter().for_each(|deliver| deliver()));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Starts work that waits until the sender is used or dropped.
    fn blocked(pool: &ThreadPool) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), WorkFailed>>) {
        let (release, wait) = mpsc::channel();
        let pool = pool.clone();
        let task = tokio::spawn(async move {
            pool.run(&Progress::default(), move || wait.recv().unwrap_or_default()).await
        });
        (release, task)
    }

    /// How many threads run, and how much work hangs.
    fn counts(pool: &ThreadPool) -> (usize, usize) {
        let state = pool.0.lock();
        (state.running, state.hung_ids.len())
    }

    /// Fails if something never happens, for example because no thread is left.
    async fn in_time<T>(happens: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(60), happens).await.expect("it happens")
    }

    async fn until(is_so: impl Fn() -> bool) {
        in_time(async {
            while !is_so() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_folders_share_few_threads_and_each_gets_its_result() {
        let pool = ThreadPool::default();
        let (release, first) = blocked(&pool);
        let folders = (0..10 * BATCH).map(|number| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let work = move || (number, std::thread::current().id());
                pool.run(&Progress::default(), work).await.unwrap()
            })
        });
        let folders: Vec<_> = folders.collect();
        drop(release);
        first.await.unwrap().unwrap();
        let mut used = HashSet::new();
        for (number, folder) in folders.into_iter().enumerate() {
            let (result, thread) = folder.await.unwrap();
            assert_eq!(result, number);
            used.insert(thread);
        }
        assert!(used.len() <= MAX_THREADS, "{used:?}");
        until(|| counts(&pool) == (0, 0)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn slow_folders_do_not_delay_another() {
        let pool = ThreadPool::default();
        let slow: Vec<_> = (0..MAX_THREADS - 1).map(|_| blocked(&pool)).collect();
        assert_eq!(in_time(pool.run(&Progress::default(), || 1)).await.unwrap(), 1);
        for (release, task) in slow {
            drop(release);
            task.await.unwrap().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn folders_that_hang_do_not_count() {
        let pool = ThreadPool::default();
        let (release, wait) = mpsc::channel::<()>();
        let awaited = pool.enqueue(Box::new(move || {
            wait.recv().ok();
            Box::new(|| ())
        }));
        until(|| !pool.0.lock().running_ids.is_empty()).await;
        // It makes progress: the others wait.
        awaited.check(&Progress::default());
        assert_eq!(counts(&pool), (1, 0));
        awaited.give_back(&mut pool.0.lock());
        assert_eq!(counts(&pool), (0, 1));
        assert_eq!(in_time(pool.run(&Progress::default(), || 1)).await.unwrap(), 1);
        drop(release);
        until(|| counts(&pool) == (0, 0)).await;
        // It has ended, and a late check changes nothing.
        awaited.give_back(&mut pool.0.lock());
        drop(awaited);
        assert_eq!(counts(&pool), (0, 0));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_of_folders_that_are_no_longer_watched_does_not_count() {
        let pool = ThreadPool::default();
        let blocked: Vec<_> = (0..3 * MAX_THREADS).map(|_| blocked(&pool)).collect();
        until(|| counts(&pool).0 == MAX_THREADS).await;
        for (_, task) in &blocked {
            task.abort();
        }
        assert_eq!(in_time(pool.run(&Progress::default(), || 1)).await.unwrap(), 1);
        drop(blocked);
        until(|| counts(&pool) == (0, 0)).await;
        assert!(pool.0.lock().running_ids.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn panic_fails_its_folder_only() {
        let pool = ThreadPool::default();
        let failed: Result<(), _> = pool.run(&Progress::default(), || panic!("as in a test")).await;
        assert_eq!(failed.unwrap_err().to_string(), "the work panicked, or the daemon stops");
        assert_eq!(in_time(pool.run(&Progress::default(), || 1)).await.unwrap(), 1);
    }
}
