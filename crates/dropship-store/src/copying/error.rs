//! Why a store was not copied.

use crate::copying::fingerprint::Fingerprint;
use crate::error::StoreError;

/// A copy that was refused, or that failed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error("cannot read {name}: {error}")]
    Source {
        /// The source.
        name: String,
        /// The cause.
        error: StoreError,
    },
    /// The target cannot be read or written.
    #[error("cannot write {name}: {error}; run the same command again: it continues the copy")]
    Target {
        /// The target.
        name: String,
        /// The cause.
        error: StoreError,
    },
    /// The source is an unfinished copy itself.
    #[error("{name} is an unfinished copy of {of}; finish it first: `dropship store copy {of} {name}`")]
    SourceUnfinished {
        /// The source.
        name: String,
        /// The store that it was copied from.
        of: String,
    },
    /// The source was copied to another place, which has the present state of its jobs.
    #[error("{name} was copied to {to}, which has the present state of its jobs; copy that store instead")]
    SourceMoved {
        /// The source.
        name: String,
        /// The store that it was copied to.
        to: String,
    },
    /// The target has content of its own.
    #[error("{name} has other content ({} of its own); copy to an empty place", .content.summary())]
    OtherContent {
        /// The target.
        name: String,
        /// What it has.
        content: Fingerprint,
    },
    /// The target is the beginning of a copy of an earlier state of the source.
    #[error(
        "{name} is an unfinished copy of another state of {source_name}, which has changed since; empty {name} and run the command again"
    )]
    OtherState {
        /// The target.
        name: String,
        /// The source.
        source_name: String,
    },
    /// The copy is not equal to the source.
    #[error(
        "the copy in {name} differs from its source ({} instead of {}); the source is unchanged and stays in use; empty {name} and run \
         the command again", .found.summary(), .expected.summary()
    )]
    Differs {
        /// The target.
        name: String,
        /// What it has.
        found: Fingerprint,
        /// What it should have.
        expected: Fingerprint,
    },
}
