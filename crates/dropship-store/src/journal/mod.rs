//! The journal: append-only segments of checksummed lines, and the durable act of the store.

mod form;
mod history;
mod read;
mod segments;
mod write;

#[cfg(test)]
pub(crate) use form::crc64;
#[cfg(fuzzing)]
pub(crate) use form::read_again;
pub(crate) use history::{each_line, history};
pub(crate) use read::{Item, Reader};
pub(crate) use segments::{Limits, refuse_older, segments};
pub(crate) use write::{Journal, starts_after};
