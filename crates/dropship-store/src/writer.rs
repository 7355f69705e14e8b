//! The only writer: the handle that passes commits to its thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use tokio::sync::{oneshot, watch};

use crate::commit::{Commit, CommitHandle, lost};
use crate::error::StoreError;
use crate::heartbeat::Heartbeat;
use crate::journal::Journal;
use crate::space::DiskSpace;
use crate::tables::{ByteMap, TableChanges};
use crate::writer::thread::WriterThread;
use dropship_job::Job;

/// Tables that the writer changes.
pub(crate) trait WriterTables: ByteMap + Send + Sync + 'static {
    /// Makes the changes visible, all at once.
    fn change(&self, changes: TableChanges) -> Result<(), StoreError>;
    /// Whether enough changes are pending in memory to apply them to the database.
    fn is_full(&self) -> bool;
    /// Applies the pending changes to the database, all at once.
    fn apply_pending(&self) -> Result<(), StoreError>;
    /// Applies the pending changes and syncs the database to the disk.
    fn flush(&self) -> Result<(), StoreError>;
    /// Whether maintenance is worthwhile.
    fn needs_maintenance(&self) -> Result<bool, StoreError>;
    /// Maintenance, while no commit is waiting and all changes are flushed.
    fn maintain(&self) -> Result<(), StoreError>;
}

type CommitAnswer = oneshot::Sender<Result<Vec<Job>, StoreError>>;

/// A commit with the place of its answer.
type PendingCommit = (Commit, CommitAnswer);

/// A message to the writer's thread.
enum WriterMessage {
    Commit(PendingCommit),
    /// Other nodes may have appended lines: read and apply them.
    CatchUp,
    /// This process takes over: append the takeover marker, a line without entries.
    TakeOver(Sender<Result<u64, StoreError>>),
    /// Another process has taken over.
    Superseded,
}

/// Passes commits to the writer's thread.
pub(crate) struct Writer {
    queue: Arc<Sender<WriterMessage>>,
    thread: Option<std::thread::JoinHandle<()>>,
    stopped: watch::Receiver<Option<String>>,
    closing: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start<T: WriterTables, J: Journal>(
        tables: Arc<T>,
        mut journal: J,
        heartbeat: Arc<dyn Heartbeat>,
        space: DiskSpace,
    ) -> Result<Self, std::io::Error> {
        let (queue, messages) = channel();
        let queue = Arc::new(queue);
        let weak_queue = Arc::downgrade(&queue);
        journal.set_hint(Box::new(move || {
            // A writer that has ended has no queue.
            if let Some(queue) = weak_queue.upgrade() {
                drop(queue.send(WriterMessage::CatchUp));
            }
        }));
        let (stopped_sender, stopped) = watch::channel(None);
        let closing = space.closing();
        let writer_thread = WriterThread::new(tables, journal, stopped_sender, heartbeat, space);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer_thread.run(&messages))?;
        Ok(Self { queue, thread: Some(thread), stopped, closing })
    }

    /// The reason why the writer has stopped; it then acknowledges nothing.
    pub(crate) fn stopped(&self) -> watch::Receiver<Option<String>> {
        self.stopped.clone()
    }

    /// Takes the journal over from its earlier owners. Appends a fencing line, and returns its number: an earlier owner has to read
    /// this line before it can append again, and stops then.
    pub(crate) fn take_over(&self) -> Result<u64, StoreError> {
        let (answer, last_line) = channel();
        drop(self.queue.send(WriterMessage::TakeOver(answer)));
        last_line.recv().unwrap_or_else(|_| Err(lost()))
    }

    /// Stops the writer, because another process has taken over.
    pub(crate) fn on_superseded(&self) -> impl Fn() + Send + use<> {
        let queue = Arc::downgrade(&self.queue);
        move || {
            if let Some(queue) = queue.upgrade() {
                drop(queue.send(WriterMessage::Superseded));
            }
        }
    }

    /// Queues a commit.
    pub(crate) fn commit(&self, commit: Commit) -> CommitHandle {
        let (answer, handle) = oneshot::channel();
        // A thread that has ended drops the answer, and the handle reports that.
        drop(self.queue.send(WriterMessage::Commit((commit, answer))));
        CommitHandle::new(handle)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        let (closed, _) = channel();
        drop(std::mem::replace(&mut self.queue, Arc::new(closed)));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

mod checked_commits;
mod layer;
mod thread;
