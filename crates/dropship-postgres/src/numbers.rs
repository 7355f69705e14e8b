//! The numbers of the journal in the columns of the database, which are signed.

use dropship_store::{AppendId, JournalExtent, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

pub(crate) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| damaged("a position"))
}

/// The value in a column, which has another type if another program made the tables, or answers in place of the server.
pub(crate) fn value<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| damaged("a value"))
}

pub(crate) fn number(row: &Row, column: usize) -> Result<u64, StoreError> {
    u64::try_from(value::<i64>(row, column)?).map_err(|_| damaged("a position"))
}

/// The extent in four columns.
pub(crate) fn extent(row: &Row, first: usize) -> Result<JournalExtent, StoreError> {
    Ok(JournalExtent {
        size: number(row, first)?,
        settled: number(row, first + 1)?,
        cursor: number(row, first + 2)?,
        until: number(row, first + 3)?,
    })
}

pub(crate) fn append_id(row: &Row, column: usize) -> Result<AppendId, StoreError> {
    let bytes: Vec<u8> = value(row, column)?;
    bytes.try_into().map(AppendId::from_bytes).map_err(|_| damaged("the id of an append"))
}

/// A value in the database that this program has not written.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged { what: format!("{what} in the database has another form") }
}
