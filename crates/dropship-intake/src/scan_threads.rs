//! Threads that read folders. All folders share them: handing each folder to a thread of its own, and waking a task for each
//! result, costs several times as much as reading a folder in which nothing has changed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use dropship_shared_folder::Progress;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::hung::{HUNG, MAX_HUNG};

/// Maximum number of folders that are read at the same time.
const MAX_THREADS: usize = 4;

/// Results that are delivered together while more folders wait. Each delivery wakes a thread.
const BATCH: usize = 32;

/// Time after which work that has not ended may have another thread beside it. Repeated, with growing intervals.
const SLOW: Duration = Duration::from_millis(50);

/// Maximum interval between two looks at work that has not ended.
const MAX_LOOK: Duration = Duration::from_secs(1);

/// The threads. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct ScanThreads(Arc<Mutex<Threads>>);

impl std::fmt::Debug for ScanThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let threads = self.0.lock();
        write!(
            f,
            "ScanThreads({} running, {} hung, {} folders wait)",
            threads.running,
            threads.hung,
            threads.waiting.len()
        )
    }
}

#[derive(Default)]
struct Threads {
    waiting: VecDeque<Work>,
    /// Results that are not delivered yet.
    done: Vec<Delivery>,
    /// Threads that count against the maximum.
    running: usize,
    /// Work that hangs and does not count.
    hung: usize,
}

/// Work on one folder.
struct Work {
    run: Box<dyn FnOnce() -> Delivery + Send>,
    state: Arc<Mutex<WorkState>>,
}

/// Gives a result to the task that waits for it.
type Delivery = Box<dyn FnOnce() + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkState {
    Waits,
    Runs,
    /// It hangs: another thread works in its stead.
    Hangs,
}

/// Work panicked, or the runtime stops.
#[derive(Debug, thiserror::Error)]
#[error("it did not come to its end")]
pub(crate) struct WorkFailed;

impl ScanThreads {
    /// Does work that blocks on the file system of one folder, whose progress is `progress`.
    ///
    /// # Errors
    /// The work panicked, or the runtime stops.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        progress: &Progress,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkFailed> {
        let (sender, mut result) = oneshot::channel();
        let state = Arc::new(Mutex::new(WorkState::Waits));
        let run = Box::new(move || -> Delivery {
            let done = catch_unwind(AssertUnwindSafe(work));
            // Nobody waits any more if the folder is no longer watched.
            Box::new(move || drop(sender.send(done)))
        });
        self.put(Work { run, state: Arc::clone(&state) });
        let mut pause = SLOW;
        loop {
            tokio::select! {
                done = &mut result => return done.ok().and_then(Result::ok).ok_or(WorkFailed),
                () = tokio::time::sleep(pause) => self.look(&state, progress.silence() > HUNG),
            }
            pause = (pause * 2).min(MAX_LOOK);
        }
    }

    fn put(&self, work: Work) {
        let mut threads = self.0.lock();
        threads.waiting.push_back(work);
        // More threads only for work that turns out to be slow.
        if threads.running == 0 {
            self.start(&mut threads);
        }
    }

    fn start(&self, threads: &mut MutexGuard<'_, Threads>) {
        threads.running += 1;
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.work());
    }

    /// Called while work has not ended. No other folder and no result waits for long because of it.
    fn look(&self, state: &Mutex<WorkState>, is_silent: bool) {
        let mut threads = self.0.lock();
        let mut state = state.lock();
        if *state == WorkState::Runs && is_silent && threads.hung < MAX_HUNG {
            *state = WorkState::Hangs;
            threads.hung += 1;
            threads.running -= 1;
        }
        drop(state);
        if !threads.waiting.is_empty() && threads.running < MAX_THREADS {
            self.start(&mut threads);
        }
        let done = std::mem::take(&mut threads.done);
        drop(threads);
        done.into_iter().for_each(|deliver| deliver());
    }

    /// Does the work that waits.
    fn work(&self) {
        let mut threads = self.0.lock();
        loop {
            let Some(Work { run, state }) = threads.waiting.pop_front() else {
                threads.running -= 1;
                break;
            };
            *state.lock() = WorkState::Runs;
            drop(threads);
            let deliver = run();
            threads = self.0.lock();
            threads.done.push(deliver);
            if *state.lock() == WorkState::Hangs {
                threads.hung -= 1;
                break;
            }
            if threads.done.len() >= BATCH {
                let done = std::mem::take(&mut threads.done);
                drop(threads);
                done.into_iter().for_each(|deliver| deliver());
                threads = self.0.lock();
            }
        }
        let done = std::mem::take(&mut threads.done);
        drop(threads);
        done.into_iter().for_each(|deliver| deliver());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc;

    use super::*;

    /// Starts work that waits until the sender is used or dropped.
    fn blocked(threads: &ScanThreads) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), WorkFailed>>) {
        let (release, wait) = mpsc::channel();
        let threads = threads.clone();
        let task = tokio::spawn(async move {
            threads.run(&Progress::default(), move || wait.recv().unwrap_or_default()).await
        });
        (release, task)
    }

    /// How many threads run, and how much work hangs.
    fn counts(threads: &ScanThreads) -> (usize, usize) {
        let threads = threads.0.lock();
        (threads.running, threads.hung)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_folders_share_few_threads_and_each_gets_its_result() {
        let threads = ScanThreads::default();
        let (release, first) = blocked(&threads);
        let folders = (0..10 * BATCH).map(|number| {
            let threads = threads.clone();
            tokio::spawn(async move {
                let work = move || (number, std::thread::current().id());
                threads.run(&Progress::default(), work).await.unwrap()
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
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn slow_folders_do_not_delay_another() {
        let threads = ScanThreads::default();
        let slow: Vec<_> = (0..MAX_THREADS - 1).map(|_| blocked(&threads)).collect();
        assert_eq!(threads.run(&Progress::default(), || 1).await.unwrap(), 1);
        for (release, task) in slow {
            drop(release);
            task.await.unwrap().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn folders_that_hang_do_not_count() {
        let threads = ScanThreads::default();
        let (release, wait) = mpsc::channel::<()>();
        let state = Arc::new(Mutex::new(WorkState::Waits));
        let run = Box::new(move || -> Delivery {
            wait.recv().ok();
            Box::new(|| ())
        });
        threads.0.lock().running = MAX_THREADS - 1;
        {
            let mut list = threads.0.lock();
            list.waiting.push_back(Work { run, state: Arc::clone(&state) });
            threads.start(&mut list);
        }
        while *state.lock() != WorkState::Runs {
            tokio::task::yield_now().await;
        }
        // It makes progress: the others wait.
        threads.look(&state, false);
        assert_eq!(counts(&threads), (MAX_THREADS, 0));
        threads.look(&state, true);
        assert_eq!(counts(&threads), (MAX_THREADS - 1, 1));
        assert_eq!(threads.run(&Progress::default(), || 1).await.unwrap(), 1);
        drop(release);
        while threads.0.lock().hung > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(threads.0.lock().running, MAX_THREADS - 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn too_many_hung_folders_delay_the_others() {
        let threads = ScanThreads::default();
        threads.0.lock().running = 1;
        threads.0.lock().hung = MAX_HUNG;
        threads.look(&Mutex::new(WorkState::Runs), true);
        assert_eq!(counts(&threads), (1, MAX_HUNG));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn panic_fails_its_folder_only() {
        let threads = ScanThreads::default();
        let failed = threads.run(&Progress::default(), || panic!("as in a test")).await;
        assert_eq!(failed.map(|()| ()).unwrap_err().to_string(), "it did not come to its end");
        assert_eq!(threads.run(&Progress::default(), || 1).await.unwrap(), 1);
    }
}
