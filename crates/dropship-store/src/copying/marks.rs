//! Marks in a store that was copied, or that is a copy: no daemon may use both.

use crate::commit::Commit;
use crate::entry::Entry;
use crate::error::StoreError;
use crate::store::Store;

/// Prefix of the keys of all marks.
const PREFIX: &str = "copy/";
const UNFINISHED: &str = "copy/unfinished";
const MOVED: &str = "copy/moved";

/// Why no daemon may use a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyMark {
    /// Not everything has arrived.
    #[error("it is an unfinished copy of {0}; finish it with `dropship store copy`, or empty it")]
    UnfinishedCopyOf(String),
    /// Another store has the present state of its jobs.
    #[error(
        "its jobs were moved to {0}: two daemons would send them twice; use that store, or copy it back with `dropship store copy`"
    )]
    MovedTo(String),
}

impl CopyMark {
    /// The mark of a store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        let marks = store.settings(PREFIX)?;
        let value = |key| marks.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        Ok(value(UNFINISHED).map(Self::UnfinishedCopyOf).or_else(|| value(MOVED).map(Self::MovedTo)))
    }

    /// Sets the mark durably.
    pub(super) fn set(self, store: &dyn Store) -> Result<(), StoreError> {
        let (key, value) = match self {
            Self::UnfinishedCopyOf(value) => (UNFINISHED, value),
            Self::MovedTo(value) => (MOVED, value),
        };
        let setting = Entry::Setting { key: key.to_owned(), value: Some(value) };
        store.commit(Commit::new(vec![setting])).wait().map(drop)
    }

    /// Removes all marks of a store, durably.
    pub(super) fn remove_all(store: &dyn Store) -> Result<(), StoreError> {
        let marks = store.settings(PREFIX)?;
        let removed = marks.into_iter().map(|(key, _)| Entry::Setting { key, value: None });
        let removed: Vec<_> = removed.collect();
        if removed.is_empty() { Ok(()) } else { store.commit(Commit::new(removed)).wait().map(drop) }
    }
}

/// Whether an entry is a mark.
pub(super) fn is_mark(entry: &Entry) -> bool {
    matches!(entry, Entry::Setting { key, .. } if key.starts_with(PREFIX))
}
