//! Why work on an object failed.

use std::io;

/// Why work on an object failed.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The storage does not respond, or refuses the credentials: the same call may succeed later.
    #[error("{what}")]
    Away {
        /// The attempt, and its error.
        what: String,
    },
    /// There is no such object.
    #[error("there is no object {name}")]
    NotFound {
        /// Its name.
        name: String,
    },
    /// An object has other bytes than it should have.
    #[error("the object {name} has other bytes: SHA-256 {found} instead of {expected}")]
    Altered {
        /// Its name.
        name: String,
        /// Its digest.
        found: String,
        /// The digest of what was written.
        expected: String,
    },
    /// An object was changed by others whenever it was to be written.
    #[error(
        "the object {name} cannot be replaced in place of the one that was read; does another program write it? {why}"
    )]
    Contended {
        /// Its name.
        name: String,
        /// What the storage answered last.
        why: String,
    },
    /// A local file cannot be read or written.
    #[error("{0}")]
    Local(#[from] io::Error),
}

/// Maximum length of an error of the client in bytes; it contains what the storage answered.
const MAX_MESSAGE: usize = 1024;

/// An error of the client, without secrets.
pub(crate) fn describe(error: &object_store::Error) -> String {
    let mut text = dropship_redact::mask(&error.to_string());
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE));
        text.push('…');
    }
    text
}

impl ObjectError {
    /// The error of the storage about this object.
    pub(crate) fn of(error: &object_store::Error, name: &str) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { name: name.to_owned() },
            object_store::Error::NotImplemented { .. } => {
                Self::Local(io::Error::new(io::ErrorKind::Unsupported, describe(error)))
            }
            error => Self::Away { what: describe(error) },
        }
    }
}

impl From<ObjectError> for io::Error {
    fn from(error: ObjectError) -> Self {
        let kind = match error {
            ObjectError::Away { .. } => io::ErrorKind::NotConnected,
            ObjectError::NotFound { .. } => io::ErrorKind::NotFound,
            ObjectError::Altered { .. } | ObjectError::Contended { .. } => io::ErrorKind::InvalidData,
            ObjectError::Local(error) => return error,
        };
        Self::new(kind, error.to_string())
    }
}
