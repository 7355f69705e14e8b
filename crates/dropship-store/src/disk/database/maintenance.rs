//! When the database is vacuumed, and how it is exchanged for its smaller copy.

use super::Database;
use crate::disk::vacuum::{beside, compare, copy, exchange, open_closed, remove, size, vacuum_threshold};
use crate::error::StoreError;

impl Database {
    /// Vacuums the database when that is worthwhile. Only the writer calls this, so no change can happen during it.
    pub(super) fn vacuum_if_worthwhile(&self) -> Result<(), StoreError> {
        let (size, threshold) = {
            let tables = self.tables.read();
            (size(tables.sled()?)?, tables.vacuum_threshold)
        };
        if size <= threshold {
            return Ok(());
        }
        if let Err(error) = self.vacuum() {
            // Without a vacuum it is only large.
            tracing::warn!(
                "cannot vacuum the database {}: {error}; it stays at {} MiB, the next attempt is at twice that size",
                self.folder.display(),
                size >> 20
            );
            self.tables.write().vacuum_threshold = size.saturating_mul(2);
            drop(remove(&beside(&self.folder, "new")));
            // An error unless the exchange failed so that there is no database.
            self.tables.read().sled()?;
        }
        Ok(())
    }

    /// Copies the database and exchanges it for the copy.
    pub(super) fn vacuum(&self) -> Result<(), StoreError> {
        let new = beside(&self.folder, "new");
        remove(&new)?;
        {
            let tables = self.tables.read();
            let from = tables.sled()?;
            copy(from, &new)?;
            compare(from, &new)?;
        }
        let mut tables = self.tables.write();
        tables.sled = None;
        let exchanged = exchange(&self.folder, &new);
        let sled = open_closed(&self.folder)?;
        tables.vacuum_threshold = vacuum_threshold(&sled)?;
        tables.sled = Some(sled);
        exchanged
    }
}
