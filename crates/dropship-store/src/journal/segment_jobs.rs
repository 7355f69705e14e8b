//! Which jobs the lines of a segment are about, so that the history of one job does not need the whole journal.
//!
//! A segment that is not the last one never changes. What it contains is remembered when it is first searched: four bytes for
//! each job, in memory, and only in a process that reads histories.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::journal::form::crc64;
use dropship_job::JobId;

/// The start of a job's id in a line.
const BEFORE_ID: &[u8] = br#""job":""#;

/// The jobs of the closed segments that have been searched, by number of the segment.
#[derive(Debug, Default)]
pub(crate) struct SegmentJobs(Mutex<HashMap<u64, Box<[u32]>>>);

impl SegmentJobs {
    /// Whether a segment can have lines about a job. One that has not been searched can.
    pub(super) fn may_have(&self, segment: u64, id: &JobId) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&segment).is_none_or(|jobs| jobs.binary_search(&short(id.as_str().as_bytes())).is_ok())
    }

    /// Remembers the jobs of a closed segment.
    pub(super) fn remember(&self, segment: u64, found: CollectedJobs) {
        let mut jobs = found.0;
        jobs.sort_unstable();
        jobs.dedup();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(segment, jobs.into());
    }

    /// Forgets the segments that compaction has deleted: all before the first that exists.
    pub(super) fn forget_before(&self, first: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|segment, _| *segment >= first);
    }
}

/// The jobs of the lines of a segment that were read so far.
#[derive(Debug, Default)]
pub(super) struct CollectedJobs(Vec<u32>);

impl CollectedJobs {
    /// Adds the jobs of a line, without parsing it. What only looks like an id does no harm.
    pub(super) fn add(&mut self, line: &[u8]) {
        for at in memchr::memmem::find_iter(line, BEFORE_ID) {
            let id = &line[at + BEFORE_ID.len()..];
            let id = &id[..memchr::memchr(b'"', id).unwrap_or(id.len())];
            let short = short(id);
            // Many lines in a row are about one job.
            if self.0.last() != Some(&short) {
                self.0.push(short);
            }
        }
    }
}

/// A short form of an id, which others can share.
#[expect(clippy::cast_possible_truncation, reason = "the lower half of a checksum is a checksum")]
fn short(id: &[u8]) -> u32 {
    crc64(id) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Line};
    use crate::journal::form;

    fn id(number: u32) -> JobId {
        JobId::new(1_790_000_000_000, number)
    }

    #[test]
    fn searched_segment_is_known_to_lack_other_jobs() {
        let entries = [1, 2].map(|number| Entry::History { job: id(number), events: Vec::new() });
        let receipt = Entry::ReceiptWritten { job: id(3), rev: 1 };
        let mut text = Vec::new();
        for entries in [entries.to_vec(), vec![receipt]] {
            form::write(&Line::new(1, jiff::Timestamp::UNIX_EPOCH, entries), &mut text).expect("written");
        }
        let known = SegmentJobs::default();
        assert!(known.may_have(7, &id(4)), "not searched yet");
        let mut found = CollectedJobs::default();
        text.split_inclusive(|byte| *byte == b'\n').for_each(|line| found.add(line));
        known.remember(7, found);
        assert_eq!([1, 2, 3, 4].map(|number| known.may_have(7, &id(number))), [true, true, true, false]);
        known.forget_before(8);
        assert!(known.may_have(7, &id(4)));
    }
}
