//! Reading all segments: the history of one job, and every line.

use std::path::Path;

use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::journal::form;
use crate::journal::read::{SegmentItem, SegmentReader};
use crate::journal::segment_jobs::{CollectedJobs, SegmentJobs};
use crate::journal::segments::segments;
use crate::store::HistoryEntry;
use dropship_job::JobId;

/// Maximum number of attempts. Another one is made if compaction deleted a segment under the reader.
const MAX_ATTEMPTS: u32 = 5;

/// The events of a job in order.
pub(crate) fn history(
    folder: &Path,
    segment_jobs: &SegmentJobs,
    id: &JobId,
) -> Result<Vec<HistoryEntry>, StoreError> {
    for _ in 1..MAX_ATTEMPTS {
        match read_history(folder, segment_jobs, id) {
            Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {}
            read => return read,
        }
    }
    read_history(folder, segment_jobs, id)
}

fn read_history(
    folder: &Path,
    segment_jobs: &SegmentJobs,
    id: &JobId,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let segments = segments(folder)?;
    segment_jobs.forget_before(segments.first().map_or(0, |(number, _)| *number));
    let mut found: Vec<(u64, HistoryEntry)> = Vec::new();
    for (index, (number, path)) in segments.iter().enumerate() {
        if !segment_jobs.may_have(*number, id) {
            continue;
        }
        // The writer has started a later segment, so this one is closed. One without lines may be a start that failed.
        let has_lines = |path: &Path| path.metadata().is_ok_and(|later| later.len() > 0);
        let is_closed = segments[index + 1..].iter().any(|(_, later)| has_lines(later));
        let mut jobs = CollectedJobs::default();
        let mut reader = SegmentReader::open(path)?;
        while reader.fill()? > 0 {
            if is_closed {
                jobs.add(&reader.buffer);
            }
            // Most lines are of other jobs: only those that contain the id are parsed.
            if memchr::memmem::find(&reader.buffer, id.as_str().as_bytes()).is_none() {
                continue;
            }
            let text = reader.buffer.strip_suffix(b"\n").unwrap_or(&reader.buffer);
            let Ok(line) = form::read(text) else { continue };
            found.extend(events_of(line, id));
        }
        if is_closed {
            segment_jobs.remember(*number, jobs);
        }
    }
    Ok(in_order(found))
}

/// The events of a job in a line, each with the number of events before it.
pub(crate) fn events_of(line: Line, id: &JobId) -> Vec<(u64, HistoryEntry)> {
    let mut found = Vec::new();
    for entry in line.entries {
        let events: Vec<_> = match entry {
            Entry::Job { job, rev, events } if job == *id => (rev..).zip(events).collect(),
            Entry::History { job, events } if job == *id => events,
            _ => continue,
        };
        found.extend(events.into_iter().map(|(rev, event)| (rev, HistoryEntry { at: line.at, event })));
    }
    found
}

/// The events in the order in which they happened.
pub(crate) fn in_order(mut found: Vec<(u64, HistoryEntry)>) -> Vec<HistoryEntry> {
    // Compaction appends old events behind younger ones, and a crash in its middle leaves some twice.
    found.sort_by_key(|(rev, _)| *rev);
    found.dedup_by_key(|(rev, _)| *rev);
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Passes every valid line to `each`, in the order of the files.
pub(crate) fn each_line(
    folder: &Path,
    mut each: impl FnMut(Line) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for (_, path) in segments(folder)? {
        let mut reader = match SegmentReader::open(&path) {
            // Compaction has deleted it; its valid content is in a later segment.
            Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => continue,
            reader => reader?.skipping_damage(),
        };
        while let SegmentItem::Line(line) = reader.next()? {
            each(line)?;
        }
    }
    Ok(())
}
