//! The journal: append-only segments of checksummed lines, and the durable act of the store.

mod durable;
mod form;
mod history;
mod read;
mod segment_jobs;
mod segments;
mod write;

pub(crate) use durable::{AppendOutcome, Journal};
#[cfg(test)]
pub(crate) use form::crc64;
#[cfg(fuzzing)]
pub(crate) use form::read_again;
pub(crate) use form::{LineFault, read, write};
pub(crate) use history::{each_line, events_of, history, in_order};
pub(crate) use read::{SegmentItem, SegmentReader};
pub(crate) use segment_jobs::SegmentJobs;
pub(crate) use segments::{SegmentLimits, refuse_older, segments};
pub(crate) use write::{FileJournal, starts_after};
