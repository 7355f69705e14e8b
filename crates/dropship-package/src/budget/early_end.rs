//! Why an inspection ended before its time.

use std::io;

use super::work::WorkKind;

/// Why an inspection ended early. Travels as the source of an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EarlyEnd {
    /// The caller cancelled it.
    #[error("the inspection was cancelled")]
    Cancelled,
    /// It took longer than any file of its length can need.
    #[error("the inspection took longer than a package of this length can need")]
    Time,
    /// It used more work of a kind than any sound file of its length needs.
    #[error("inspecting it needs more than {limit} {what}, which no sound package of this length needs", what = kind.describe())]
    Work {
        /// The kind of work.
        kind: WorkKind,
        /// Its limit.
        limit: u64,
    },
}

impl EarlyEnd {
    /// The reason in an error of a read.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<EarlyEnd> for io::Error {
    fn from(ended: EarlyEnd) -> Self {
        let kind = match ended {
            EarlyEnd::Cancelled => io::ErrorKind::Interrupted,
            EarlyEnd::Time => io::ErrorKind::TimedOut,
            EarlyEnd::Work { .. } => io::ErrorKind::QuotaExceeded,
        };
        Self::new(kind, ended)
    }
}
