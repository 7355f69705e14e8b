//! The queue's memory: what outlives the daemon.
//!
//! # Durability contract
//! A commit whose [`Ticket`] said `Ok` survives the death of the process and of the machine. The
//! durable act is one synced line of the journal; the tables in sled are what the lines amount to,
//! and catch up when the store is opened. A commit whose ticket said anything else, or that was
//! never answered, may have happened or not, but never in part: the entries of a commit share a
//! line. After an I/O error nothing more is acknowledged until the store is opened again.

mod compact;
mod durable;
mod entry;
mod export;
mod finding;
mod journal;
mod memory;
mod queries;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::sync::oneshot;

pub use durable::{Durable, Opening, Rehearsal};
pub use entry::{Entry, path_key};
pub use export::{Each, Exported};
pub use finding::Finding;
pub use memory::Memory;
pub use tables::Seen;

use dropship_job::{Event, Illegal, Job, JobId, StateKind};

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The event cannot happen there; nothing changed.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Somebody else changed the job meanwhile; nothing changed.
    #[error("job {job} was changed meanwhile (it has {have} events, expected were {expected})")]
    Conflict {
        /// Which.
        job: JobId,
        /// Events that it has.
        have: u64,
        /// Events that it was thought to have.
        expected: u64,
    },
    /// The file system failed.
    #[error("{what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// How it failed.
        error: std::io::Error,
    },
    /// Something in the store cannot be read.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What, and where.
        what: String,
    },
    /// Another daemon has the store.
    #[error("the store {} is in use by another dropship (its lock is held); ask that one with `dropship status`", path.display())]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// An earlier error stopped the store.
    #[error("the store stopped after an error: {0}")]
    Stopped(String),
    /// The store was written by an older dropship, in a form that this one does not read.
    #[error(
        "the store was written by an older dropship ({what}) and cannot be read: stop the daemon, move the store's folder away and start again; it recovers the jobs from the receipts in the outboxes"
    )]
    Older {
        /// The part that is older, and its version.
        what: String,
    },
    /// The store was written by a newer dropship.
    #[error("the store was written by a newer dropship ({what}); install that version or restore a backup")]
    Newer {
        /// What is newer.
        what: String,
    },
}

impl StoreError {
    /// The store cannot go on; the daemon has to end.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Illegal(_) | Self::Conflict { .. })
    }
}

/// Entries that become true together.
#[derive(Debug, Clone)]
pub struct Commit {
    /// What.
    pub entries: Vec<Entry>,
    /// When.
    pub at: Timestamp,
    /// Whether the answer waits until it survives a power cut.
    pub durable: bool,
}

impl Commit {
    /// Events of one job, which has `rev` events so far.
    #[must_use]
    pub fn of_job(job: &JobId, rev: u64, events: Vec<Event>) -> Self {
        Self::new(vec![Entry::Job { job: job.clone(), rev, events }])
    }

    /// Entries, now and durably.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries, at: Timestamp::now(), durable: true }
    }

    /// Entries of which a loss does no harm.
    #[must_use]
    pub fn lazily(entries: Vec<Entry>) -> Self {
        Self { durable: false, ..Self::new(entries) }
    }
}

/// The answer to a commit: the changed jobs as they are now.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<Vec<Job>, StoreError>>);

impl Ticket {
    /// The ticket of a writer that died before it could answer.
    #[cfg(test)]
    pub(crate) fn lost() -> Self {
        Self(oneshot::channel().1)
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Why it was not committed.
    pub async fn answer(self) -> Result<Vec<Job>, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(StoreError::Stopped("its writer is gone".to_owned())))
    }

    /// Waits for the answer on a thread that may block.
    ///
    /// # Errors
    /// Why it was not committed.
    pub fn wait(self) -> Result<Vec<Job>, StoreError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(StoreError::Stopped("its writer is gone".to_owned())))
    }
}

/// Which jobs to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this durable state.
    pub state: Option<StateKind>,
    /// Only those older than this one.
    pub before: Option<JobId>,
    /// At most so many; 0: all.
    pub limit: usize,
}

/// One line of a job's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// The queue's memory. See the module for what a commit promises.
pub trait Store: Send + Sync {
    /// Commits entries; they become true together or not at all.
    fn commit(&self, commit: Commit) -> Ticket;

    /// One job.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError>;

    /// All jobs that are not over: open ones, and ended ones of whose calls something can come late.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_jobs(&self) -> Result<Vec<Job>, StoreError>;

    /// Jobs that have ended and whose receipt may not say so yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unreceipted(&self) -> Result<Vec<JobId>, StoreError>;

    /// Jobs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, StoreError>;

    /// How many jobs are in each durable state.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn counts(&self) -> Result<Vec<(StateKind, usize)>, StoreError>;

    /// How many jobs are in one durable state.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn count(&self, state: StateKind) -> Result<usize, StoreError> {
        Ok(self.counts()?.into_iter().find(|(kind, _)| *kind == state).map_or(0, |(_, count)| count))
    }

    /// The job of these bytes in this folder; it may be forgotten already.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(&self, sha256: &str, folder: Option<&str>) -> Result<Option<JobId>, StoreError>;

    /// The jobs of these bytes in whatever folder.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find_everywhere(&self, sha256: &str) -> Result<Vec<JobId>, StoreError>;

    /// The job that a thing at the service belongs to.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn owner(&self, remote: u64) -> Result<Option<JobId>, StoreError>;

    /// A known file.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn seen(&self, folder: &str, path: &str) -> Result<Option<Seen>, StoreError>;

    /// The paths of the known files of a folder.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn seen_in(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Is a file of the folder known to hold these bytes, under whatever name?
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lies(&self, folder: &str, sha256: &str) -> Result<bool, StoreError>;

    /// How many inspections of these bytes began and did not end.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn inspecting(&self, sha256: &str) -> Result<u64, StoreError>;

    /// The flags whose name begins so.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn flags(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;

    /// A job's whole story, as far as the journal still holds it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn story(&self, id: &JobId) -> Result<Vec<Told>, StoreError>;

    /// Everything: what stands now, then the stories of the jobs that are still there.
    ///
    /// # Errors
    /// When the store cannot be read, or `each` fails.
    fn export(&self, each: Each<'_>) -> Result<(), StoreError>;

    /// What is not as it should be; nothing is changed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn examine(&self) -> Result<Vec<Finding>, StoreError> {
        Ok(Vec::new())
    }
}
