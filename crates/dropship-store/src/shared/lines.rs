//! From lines of the store to lines of a shared journal, and back.

use std::collections::BTreeSet;

use crate::entry::{Entry, Line};
use crate::error::StoreError;
use crate::journal::{self, LineFault};
use crate::shared::shared_journal::{NewLine, SharedLine, Topic};

/// Writes a line.
pub(super) fn write(line: &Line) -> Result<NewLine, StoreError> {
    let mut text = Vec::new();
    journal::write(line, &mut text)?;
    text.pop_if(|byte| *byte == b'\n');
    let text = String::from_utf8(text)
        .map_err(|_| StoreError::Damaged { what: format!("line {} is no UTF-8", line.seq) })?;
    Ok(NewLine { text, topic: topic(&line.entries) })
}

/// Reads a line.
pub(super) fn read(line: &SharedLine) -> Result<Line, StoreError> {
    let seq = line.seq;
    let parsed = parse(&line.text).map_err(|error| match error {
        LineFault::Damaged(why) => StoreError::Damaged { what: format!("line {seq} in the database: {why}") },
        LineFault::Older(what) => StoreError::Older { what: format!("line {seq} in the database: {what}") },
        LineFault::Newer(what) => StoreError::Newer { what: format!("line {seq} in the database: {what}") },
    })?;
    if parsed.seq == seq {
        Ok(parsed)
    } else {
        Err(StoreError::Damaged { what: format!("line {seq} in the database has the number {}", parsed.seq) })
    }
}

/// Reads the text of a line.
pub(super) fn parse(text: &str) -> Result<Line, LineFault> {
    journal::read(text.as_bytes())
}

fn topic(entries: &[Entry]) -> Topic {
    if let [Entry::Snapshot { job, .. }] = entries {
        return Topic::Snapshot(job.id().as_str().to_owned());
    }
    let job = |entry: &Entry| match entry {
        Entry::Job { job, .. } | Entry::History { job, .. } => Some(job.as_str().to_owned()),
        _ => None,
    };
    let mut jobs: BTreeSet<_> = entries.iter().filter_map(job).collect();
    match (jobs.pop_first(), jobs.is_empty()) {
        (None, _) => Topic::None,
        (Some(job), true) => Topic::Job(job),
        (Some(_), false) => Topic::Several,
    }
}
