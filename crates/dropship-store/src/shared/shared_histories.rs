//! The lines of a shared journal as queries read them.

use crate::disk::{Database, Histories, difference};
use crate::entry::Line;
use crate::error::StoreError;
use crate::finding::Finding;
use crate::journal::{events_of, in_order};
use crate::shared::lease::LeaseKeeper;
use crate::shared::lines;
use crate::shared::role::Writes;
use crate::shared::shared_journal::SharedReader;
use crate::store::HistoryEntry;
use crate::tables::{Bytes, key, number};
use dropship_job::JobId;

/// Number of lines that are read together.
const BATCH: usize = 1000;

/// How often a journal is read again because compaction rewrote lines under the reader.
const TRIES: u32 = 5;

/// The journal in the database.
pub struct SharedHistories {
    pub(super) reader: Box<dyn SharedReader>,
    /// Why the database does not respond, while it does not.
    pub(super) away: tokio::sync::watch::Receiver<Option<String>>,
    pub(super) writes: Writes,
    /// Dropped after the writer: a lease is released when everything is written.
    pub(super) keeper: Option<LeaseKeeper>,
}

impl Histories for SharedHistories {
    fn history(&self, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
        let texts = self.reader.about(id.as_str())?;
        let parsed = texts.iter().filter_map(|text| lines::parse(text).ok());
        Ok(in_order(parsed.flat_map(|line| events_of(line, id)).collect()))
    }

    fn each_line(&self, each: &mut dyn FnMut(Line) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut from = 0;
        loop {
            let batch = self.reader.read(from, BATCH)?;
            let Some(last) = batch.lines.last() else { return Ok(()) };
            from = last.seq + 1;
            for line in &batch.lines {
                each(lines::read(line)?)?;
            }
        }
    }

    fn away(&self) -> Option<String> {
        self.away.borrow().clone()
    }

    fn refusal(&self) -> Option<StoreError> {
        let Writes::Nothing(node) = &self.writes else { return None };
        let what =
            format!("the node `{node}` processes the jobs of this store; run the command on that node");
        Some(StoreError::Superseded { what })
    }

    fn check(&self, tables: &Database) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for _ in 0..TRIES {
            let before = tables.get(&key::seq())?;
            let have = number(before.clone());
            let mut lines = Vec::new();
            self.each_line(&mut |line| {
                lines.extend((line.seq <= have).then_some(line));
                Ok(())
            })?;
            findings.clear();
            findings.extend(difference(tables, lines)?);
            // Lines that were applied in the meantime explain a difference.
            if findings.is_empty() || tables.get(&key::seq())? == before {
                break;
            }
        }
        Ok(findings)
    }
}
