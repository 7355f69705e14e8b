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
pub(in crate::web) mod testing;

pub(crate) use build::keep;
pub(in crate::web) use filter::{RowFilter, contains_word};
pub use index::JobRows;
pub(in crate::web) use index::{RowCompleteness, Rows};
pub(in crate::web) use inf::RowInf;
pub(in crate::web) use label::LabelRow;
pub(in crate::web) use page::{RowPage, SortColumn, SortDirection, SortOrder};
pub(in crate::web) use row::Row;
