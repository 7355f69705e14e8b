//! A copy of everything that a store holds in another store, of either kind.
//!
//! The copy has what [`export`](crate::Store::export) gives, in that order. So the content of an unfinished copy is always the beginning of
//! the content of its source, and a later attempt continues after it.

mod error;
mod fingerprint;
mod marks;
mod sender;
mod transfer;

pub use error::CopyError;
pub use fingerprint::Fingerprint;
pub use marks::CopyMark;
pub use transfer::{Copied, CopySide, copy_entries, finish_copy};
