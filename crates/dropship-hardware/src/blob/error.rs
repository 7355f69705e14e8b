//! Errors of transfers.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::http::explain;

/// A failed transfer. No text of it contains a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The URL has expired, or is about to: fetch a new one and continue; the bytes so far are kept.
    #[error("the upload or download URL has expired; a new one is needed")]
    Expired,
    /// The URL has an origin that packages must not be exchanged with.
    #[error("{origin} is not allowed as an origin of packages: {reason}")]
    Forbidden {
        /// Scheme, host and port of the URL.
        origin: String,
        /// Why it is not allowed.
        reason: ForbiddenOrigin,
    },
    /// A proxy answered in place of the store.
    #[error("cannot {operation}: a proxy answered with {status}{}", title(page_title))]
    Proxy {
        /// The failed operation.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// Title or text of its page; can be empty.
        page_title: String,
    },
    /// The download is an HTML page: of a proxy, or a form to sign in.
    #[error("the download is an HTML page{}, such as a sign-in page, and not the file", title(page_title))]
    Page {
        /// Title or text of the page; can be empty.
        page_title: String,
    },
    /// The download has no bytes.
    #[error("the download is empty")]
    Empty,
    /// The download is the body of an error, although its status says that it is the file.
    #[error("the download is an error of the service and not the file: {message}")]
    ErrorDocument {
        /// Code and message of the error.
        message: String,
    },
    /// The downloaded bytes do not have the SHA-256 that the service names.
    #[error("the download has the SHA-256 {got} instead of {expected}")]
    Digest {
        /// The SHA-256 that the service names, lower-case hexadecimal.
        expected: String,
        /// The SHA-256 of the downloaded bytes.
        got: String,
    },
    /// The store returned the checksum of other bytes than were sent: they were damaged on their way.
    #[error("{operation}: the blob store received bytes with the CRC-64 {got} instead of {expected}")]
    Stored {
        /// The failed operation.
        operation: &'static str,
        /// The CRC-64 of the bytes that were sent, in base64.
        expected: String,
        /// The one that the store returned.
        got: String,
    },
    /// The store refused the request.
    #[error("the blob store refused {operation} with {status}{}: {message}", code.as_deref().map(|c| format!(" {c}")).unwrap_or_default())]
    Refused {
        /// The failed operation.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// The store's error code.
        code: Option<String>,
        /// The store's message.
        message: String,
    },
    /// The connection failed or stalled repeatedly.
    #[error("{operation}: {message}")]
    Network {
        /// The failed operation.
        operation: &'static str,
        /// The reason.
        message: String,
    },
    /// The transferred bytes have another length than announced.
    #[error("{what} has {got} bytes instead of {expected}")]
    Length {
        /// The object with that length.
        what: &'static str,
        /// The announced length in bytes.
        expected: u64,
        /// The actual length in bytes.
        got: u64,
    },
    /// The download is longer than a file of its kind can be.
    #[error("the download is longer than {max_bytes} bytes, the maximum for such a file")]
    TooLong {
        /// Maximum length in bytes.
        max_bytes: u64,
    },
    /// So few bytes come that the transfer would take far too long.
    #[error("only {bytes} bytes of the download came in {seconds} s")]
    Slow {
        /// Number of bytes that came.
        bytes: u64,
        /// Time in seconds.
        seconds: u64,
    },
    /// The file changed while it was sent.
    #[error("{path} changed while it was sent; it was {expected} bytes long at first", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length at first.
        expected: u64,
    },
    /// The file has other bytes than expected; the blob was not completed.
    #[error("{path} has other bytes than expected", path = path.display())]
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
    /// A download from the service itself got no token.
    #[error(transparent)]
    Service(#[from] Error),
}

/// Why packages must not be exchanged with an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForbiddenOrigin {
    /// Only https protects the package and its signed URL.
    #[error("it is plain http, and only https is allowed")]
    PlainHttp,
    /// Neither http nor https.
    #[error("its URL is not a web address")]
    NoWebAddress,
    /// Credentials in a URL would be sent to its host.
    #[error("its URL has a user name")]
    UserName,
    /// The host is neither the endpoint's nor one of the settings' `blob_hosts`.
    #[error("its host is not one of the allowed blob hosts")]
    NotListed,
}

impl TransferError {
    /// Whether the same transfer can succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Expired
            | Self::Network { .. }
            | Self::Slow { .. }
            | Self::TooLong { .. }
            | Self::Length { .. }
            | Self::Proxy { .. }
            | Self::Page { .. }
            | Self::Empty
            | Self::ErrorDocument { .. }
            | Self::Digest { .. }
            | Self::Stored { .. } => true,
            Self::Refused { status, code, .. } => {
                matches!(status, 408 | 429 | 500..=599) || code.as_deref().is_some_and(is_damage)
            }
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
        Self::Network { operation, message: explain(error) }
    }
}

/// Whether the store's code means that a block was damaged on its way. Source: "Blob Storage error codes".
fn is_damage(code: &str) -> bool {
    ["Crc64Mismatch", "Md5Mismatch"].iter().any(|known| code.eq_ignore_ascii_case(known))
}

/// The title of a page, to be put behind a description.
fn title(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!(" (`{title}`)") }
}
