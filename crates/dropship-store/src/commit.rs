//! A commit, and the handle by which its caller gets the result.

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::error::StoreError;
use dropship_job::{Event, Job, JobId};

/// Entries that are committed together, or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The entries, applied in order.
    pub entries: Vec<Entry>,
    /// The time that is recorded for them.
    pub at: Timestamp,
    /// Whether the answer waits until they survive a power cut.
    pub durable: bool,
    /// Bytes that must have no job when the commit is written, whichever node creates one. Otherwise the commit is refused with
    /// [`StoreError::Conflict`].
    pub unknown: Option<UnknownBytes>,
}

/// Bytes that have no job in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownBytes {
    /// Their SHA-256, lower-case hex.
    pub sha256: String,
    /// Name of the folder; `None` for bytes that are submitted without one.
    pub folder: Option<String>,
}

impl Commit {
    /// Events of one job, which has `rev` events so far.
    #[must_use]
    pub fn of_job(job: &JobId, rev: u64, events: Vec<Event>) -> Self {
        Self::new(vec![Entry::Job { job: job.clone(), rev, events }])
    }

    /// Entries of the present time. The answer waits until they are durable.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries, at: Timestamp::now(), durable: true, unknown: None }
    }

    /// Like this commit, on the condition that these bytes have no job yet.
    #[must_use]
    pub fn if_unknown(self, sha256: &str, folder: Option<&str>) -> Self {
        let (sha256, folder) = (sha256.to_owned(), folder.map(str::to_owned));
        Self { unknown: Some(UnknownBytes { sha256, folder }), ..self }
    }

    /// Entries whose loss in a power cut does no harm: the answer does not wait for a sync.
    #[must_use]
    pub fn unsynced(entries: Vec<Entry>) -> Self {
        Self { durable: false, ..Self::new(entries) }
    }
}

/// A commit in progress.
#[derive(Debug)]
pub struct CommitHandle(oneshot::Receiver<Result<Vec<Job>, StoreError>>);

impl CommitHandle {
    pub(crate) fn new(answer: oneshot::Receiver<Result<Vec<Job>, StoreError>>) -> Self {
        Self(answer)
    }

    /// The handle of a commit that is refused before it reaches the writer.
    pub(crate) fn refused(error: StoreError) -> Self {
        let (answer, handle) = oneshot::channel();
        drop(answer.send(Err(error)));
        Self(handle)
    }

    /// The handle of a commit without entries.
    pub(crate) fn of_nothing() -> Self {
        let (answer, handle) = oneshot::channel();
        drop(answer.send(Ok(Vec::new())));
        Self(handle)
    }

    /// The handle of a writer that died before it answered, for stores that fail on purpose in tests.
    #[must_use]
    pub fn lost() -> Self {
        Self(oneshot::channel().1)
    }

    /// Waits for the commit; returns the jobs that it changed.
    ///
    /// # Errors
    /// When the commit was refused, or could not be written.
    pub async fn committed(self) -> Result<Vec<Job>, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Like [`Self::committed`], on a thread that may block.
    ///
    /// # Errors
    /// When the commit was refused, or could not be written.
    pub fn wait(self) -> Result<Vec<Job>, StoreError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(lost()))
    }
}

/// The error after the writer has ended.
pub(crate) fn lost() -> StoreError {
    StoreError::Stopped("its writer has ended".to_owned())
}
