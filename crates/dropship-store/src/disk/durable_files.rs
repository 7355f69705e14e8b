//! The segment files as the durable act of a store.

use crate::compact::compact;
use crate::entry::Line;
use crate::error::StoreError;
use crate::journal::{AppendOutcome, FileJournal, Journal};
use crate::tables::ByteMap;

impl Journal for FileJournal {
    const NEEDS_FLUSH: bool = true;

    fn last_seq(&self) -> u64 {
        Self::last_seq(self)
    }

    fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<AppendOutcome, StoreError> {
        Self::append(self, lines, sync).map(|is_full| AppendOutcome::Done { is_full })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Self::sync(self)
    }

    fn compact(&mut self, tables: &impl ByteMap) -> Result<(), StoreError> {
        compact(tables, self)
    }
}
