//! Why a file was not admitted.

use dropship_store::StoreError;

/// Why no job was created.
pub(super) enum AdmitError {
    /// The file is not final; it is offered again.
    NotYet(String),
    /// The file could not be read this time; it is offered again soon.
    Unreadable(String),
    /// A resource is missing, such as disk space.
    Busy(String),
    Store(StoreError),
}

impl From<StoreError> for AdmitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
