//! What can go wrong with a transfer.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::http::chain;

/// A transfer failed; no text of it holds a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The URL's time has run out, or is about to: fetch a fresh one and go on; what is there is kept.
    #[error("the upload or download URL has run out; a fresh one is needed")]
    Expired,
    /// The URL leads where packages must not go.
    #[error("{host} is not a host that packages may go to or come from ({reason}); add it to `blob_hosts`")]
    Forbidden {
        /// The URL's host.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The store refused.
    #[error("the blob store refused {operation} with {status}{}: {message}", code.as_deref().map(|c| format!(" {c}")).unwrap_or_default())]
    Refused {
        /// What was being done.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// The store's error code.
        code: Option<String>,
        /// The store's message.
        message: String,
    },
    /// The connection failed or stalled, again and again.
    #[error("{operation}: {message}")]
    Network {
        /// What was being done.
        operation: &'static str,
        /// What happened.
        message: String,
    },
    /// What arrived is not as long as it should be.
    #[error("{what} has {got} bytes instead of {expected}")]
    Length {
        /// Whose length it is.
        what: &'static str,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        got: u64,
    },
    /// The file changed while it was sent.
    #[error("{path} changed while it was sent; it was {expected} bytes long at first", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length at first.
        expected: u64,
    },
    /// The file does not hold the bytes that were to be sent; the blob did not become whole.
    #[error("{path} holds other bytes than were to be sent", path = path.display())]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// The local file cannot be read or written.
    #[error("{path} cannot be {what}: {source}", path = path.display())]
    Local {
        /// `read` or `written`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No token could be had for a download from the service itself.
    #[error(transparent)]
    Service(#[from] Error),
}

impl TransferError {
    /// Whether the same transfer may go well later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Expired | Self::Network { .. } | Self::Length { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Local { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Service(error) => matches!(error.recovery, crate::Recovery::Retry),
            Self::Forbidden { .. } | Self::Changed { .. } | Self::Altered { .. } => false,
        }
    }

    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Local { what: "read", path: path.to_owned(), source }
    }

    pub(super) fn written(path: &Path, source: std::io::Error) -> Self {
        Self::Local { what: "written", path: path.to_owned(), source }
    }

    pub(super) fn network(operation: &'static str, error: reqwest::Error) -> Self {
        Self::Network { operation, message: chain(&error.without_url()) }
    }
}
