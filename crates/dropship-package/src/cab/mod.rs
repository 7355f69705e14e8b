//! Inspects signed cabinets.

mod content;
mod contents;
mod decode;
pub(crate) mod header;
mod inspect;
mod listing;
mod preview;
mod signature_block;
mod window;

pub(crate) use inspect::inspect;
pub(crate) use preview::{CabDigests, CabFiles, preview_digests, preview_files};
