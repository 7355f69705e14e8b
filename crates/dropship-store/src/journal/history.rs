//! Reading all segments: the history of one job, and every line.

use std::path::Path;

use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::journal::form;
use crate::journal::read::{Item, Reader};
use crate::journal::segments::segments;
use crate::store::HistoryEntry;
use dropship_job::JobId;

/// How often the journal is read again because compaction deleted a segment under the reader.
const TRIES: u32 = 5;

/// The events of a job in order.
pub(crate) fn history(folder: &Path, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
    for _ in 1..TRIES {
        match read_history(folder, id) {
            Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {}
            read => return read,
        }
    }
    read_history(folder, id)
}

fn read_history(folder: &Path, id: &JobId) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut found: Vec<(u64, HistoryEntry)> = Vec::new();
    for (_, path) in segments(folder)? {
        let mut reader = Reader::open(&path)?;
        // Most lines are of other jobs: only those that contain the id are parsed.
        while reader.fill()? > 0 {
            if memchr::memmem::find(&reader.buffer, id.as_str().as_bytes()).is_none() {
                continue;
            }
            let text = reader.buffer.strip_suffix(b"\n").unwrap_or(&reader.buffer);
            let Ok(line) = form::read(text) else { continue };
            found.extend(events_of(line, id));
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
        let mut reader = match Reader::open(&path) {
            // Compaction has deleted it; its valid content is in a later segment.
            Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => continue,
            reader => reader?.skipping_damage(),
        };
        while let Item::Line(line) = reader.next()? {
            each(line)?;
        }
    }
    Ok(())
}
