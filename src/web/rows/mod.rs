//! The packages in memory: one small row each, so that a page with any filter and order reads no disk.
//!
//! The rows exist only while the pages are served. They are read from the store once, in the background, newest first, and follow the
//! events of jobs from then on. The observer of events only adds to a list; readers apply it. The row of a
//! package with two labels takes about 1,500 bytes.

mod build;
mod filter;
mod first_rows;
mod index;
mod inf;
mod label;
mod names;
mod page;
mod ring;
mod row;
mod search_text;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use build::keep;
pub(crate) use filter::{RowFilter, contains_word};
pub use index::JobRows;
pub(crate) use index::{RowCompleteness, Rows};
pub(crate) use inf::RowInf;
pub(crate) use label::LabelRow;
pub(crate) use page::{RowPage, SortColumn, SortDirection, SortOrder};
pub(crate) use row::Row;
