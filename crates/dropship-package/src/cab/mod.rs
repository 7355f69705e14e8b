//! Inspects signed cabinets.

mod content;
mod contents;
mod decode;
pub(crate) mod header;
mod inspect;
mod listing;
mod signature_block;
mod window;

pub(crate) use inspect::inspect;
