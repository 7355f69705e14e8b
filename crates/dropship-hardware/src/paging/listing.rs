//! A list as far as it could be read.

use std::fmt;

use crate::error::Error;

/// Maximum number of unreadable entries that the text of [`Incomplete`] describes.
const MAX_DESCRIBED: usize = 10;

/// A list as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The entries that could be read.
    pub items: Vec<T>,
    /// Why entries are missing; `None` if the list was read to its end.
    pub incomplete: Option<Incomplete>,
}

impl<T> Listing<T> {
    /// A list that was read to its end.
    #[must_use]
    pub fn complete_of(items: Vec<T>) -> Self {
        Self { items, incomplete: None }
    }
}

/// Why a list is incomplete. An object that is missing in it may exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// The entries and pages that could not be read, each with the reason: `entry 3 of page 1 (id 7) has no name`.
    unreadable: Vec<String>,
    /// Why there may be more pages than could be read.
    end: Option<String>,
    /// The error of the page that could not be read.
    cause: Option<Error>,
}

impl Incomplete {
    pub(super) fn new(unreadable: Vec<String>, end: Option<String>, cause: Option<Error>) -> Self {
        Self { unreadable, end, cause }
    }

    /// A list of which nothing could be read.
    #[must_use]
    pub fn unread(error: Error) -> Self {
        Self { unreadable: Vec::new(), end: Some(error.to_string()), cause: Some(error) }
    }

    /// The entries and pages that could not be read, each with the reason.
    #[must_use]
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Why there may be more pages than could be read.
    #[must_use]
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }

    /// The error of the page that could not be read.
    #[must_use]
    pub fn cause(&self) -> Option<&Error> {
        self.cause.as_ref()
    }

    pub(super) fn into_cause(self) -> Option<Error> {
        self.cause
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = self.unreadable.iter().take(MAX_DESCRIBED).map(String::as_str);
        let parts: Vec<_> = self.end.as_deref().into_iter().chain(described).collect();
        f.write_str(&parts.join("; "))?;
        match self.unreadable.len().saturating_sub(MAX_DESCRIBED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more that cannot be read"),
        }
    }
}
