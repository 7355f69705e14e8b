//! Why the store did not do what it was asked for.

use std::path::PathBuf;

use dropship_job::{Illegal, JobId};

/// A refused commit, or a store that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The event cannot happen to the job in its present state; nothing changed.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Another commit changed the job first; nothing changed.
    #[error("job {job} was changed in the meantime (it has {have} events, expected were {expected})")]
    Conflict {
        /// The job.
        job: JobId,
        /// Its number of events.
        have: u64,
        /// The number that the commit was made for.
        expected: u64,
    },
    /// The file system failed.
    #[error("{what} {}: {error}", path.display())]
    Io {
        /// The operation, such as "cannot open".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// A part of the store cannot be read.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// The part, and the damage.
        what: String,
    },
    /// Another process has the store open.
    #[error("the store {} is in use by another dropship (its lock is held); ask that one with `dropship status`", path.display())]
    Locked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The database that the nodes share does not respond. A commit waits for it; a query that needs it fails.
    #[error("the database does not respond: {what}")]
    Away {
        /// The attempt, and its error.
        what: String,
    },
    /// The database that the nodes share cannot be used.
    #[error("the database cannot be used: {what}")]
    Unusable {
        /// The reason, and what to do about it.
        what: String,
    },
    /// Another node processes the jobs of the shared store.
    #[error("{what}")]
    Superseded {
        /// The node, and what to do.
        what: String,
    },
    /// An earlier error stopped the store.
    #[error("the store stopped after an error: {0}")]
    Stopped(String),
    /// The daemon was asked to stop while it opened the store. The next start continues.
    #[error("the store was not opened: the daemon was asked to stop")]
    Cancelled,
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
        /// The part that is newer, and its version.
        what: String,
    },
}

impl StoreError {
    /// The error of a process from which another one has taken over.
    pub(crate) fn taken_over() -> Self {
        let what = "another node has taken over, because the lease of this one had ended";
        Self::Superseded { what: what.to_owned() }
    }

    /// Whether the store is unusable from now on, so that the daemon has to end.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Illegal(_) | Self::Conflict { .. } | Self::Away { .. })
    }
}
