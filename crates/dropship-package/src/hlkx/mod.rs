//! Signed packages of the Hardware Lab Kit.
//!
//! The form in which they store driver files is not public, so INFs are not read.

mod archive;
mod directory;
#[cfg(fuzzing)]
mod fuzzing;
mod info;
mod inspect;
mod links;
mod local_headers;
mod opc;
mod part_digests;
mod parts;
mod preview;
mod signature;
mod signature_check;
mod signatures;
mod xml;

#[cfg(fuzzing)]
pub(crate) use fuzzing::xml_round;
pub(crate) use inspect::inspect;
pub(crate) use part_digests::PartDigests;
pub(crate) use preview::{entries_to_preview, preview_parts};
