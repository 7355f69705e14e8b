//! Reading the journal.

use dropship_store::{Batch, SharedLine, SharedReader, StoreError};

use crate::errors::store_error;
use crate::link::DatabaseLink;
use crate::numbers::{append_id, number, value};
use crate::session::Session;

/// Reads the journal for queries, over a connection of its own.
pub(crate) struct PostgresReader(pub(crate) DatabaseLink);

impl SharedReader for PostgresReader {
    fn about(&self, job: &str) -> Result<Vec<String>, StoreError> {
        let job = job.to_owned();
        self.0.call(move |session| {
            Box::pin(async move {
                let rows = session.client().query(&session.statements.about, &[&job]).await;
                let rows = rows.map_err(|error| store_error(&error))?;
                rows.iter().map(|row| value(row, 0)).collect()
            })
        })
    }

    fn read(&self, from: u64, limit: usize) -> Result<Batch, StoreError> {
        self.0.call(move |session| Box::pin(read(session, from, limit)))
    }
}

/// At most `limit` lines from a number on, with the extent of compaction at that moment.
pub(crate) async fn read(session: &Session, from: u64, limit: usize) -> Result<Batch, StoreError> {
    let (from, limit) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = session.client().query(&session.statements.read, &[&from, &limit]).await;
    let rows = rows.map_err(|error| store_error(&error))?;
    let first =
        rows.first().ok_or_else(|| StoreError::Unusable { what: "its journal has no end".to_owned() })?;
    let mut batch = Batch { lines: Vec::new(), compacted: number(first, 0)? };
    for row in &rows {
        // Without lines there is one row, for the extent of compaction.
        if value::<Option<i64>>(row, 1)?.is_some() {
            batch.lines.push(SharedLine {
                seq: number(row, 1)?,
                append: append_id(row, 2)?,
                text: value(row, 3)?,
            });
        }
    }
    Ok(batch)
}
