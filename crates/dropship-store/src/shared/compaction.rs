//! Compaction of a shared journal. A pass rewrites old lines in place, a thousand in each step, from the first line to the line at
//! which the journal ended when the pass started, except for the youngest lines. Only the node that has taken over compacts. A step
//! changes nothing if another node has appended in the meantime.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::compact::Compactor;
use crate::entry::Line;
use crate::error::StoreError;
use crate::shared::append_id::AppendId;
use crate::shared::lines;
use crate::shared::shared_journal::{
    JournalExtent, NewLine, Position, Rewrite, SharedJournal, SharedLine, Topic,
};
use crate::tables::ByteMap;

/// Number of lines that one step rewrites.
const STEP: usize = 1000;

/// Time after which a call returns, so that commits do not wait for a whole pass.
const SLICE: Duration = Duration::from_millis(500);

/// Number of the youngest lines that a pass does not rewrite. A node that follows the journal with a delay still needs them.
///
/// `min_size` is the size in bytes below which a journal is not compacted. One line is kept for each 16 KiB of it.
pub(super) fn kept_lines(min_size: u64) -> u64 {
    min_size >> 14
}

/// Continues the present pass, or starts one. Returns the new end of the journal; `None` if another node has appended.
pub(super) fn compact(
    journal: &mut dyn SharedJournal,
    tables: &impl ByteMap,
    mut have: Position,
    kept: u64,
) -> Result<Option<Position>, StoreError> {
    let started = Instant::now();
    let end = journal.end()?;
    let JournalExtent { mut cursor, mut until, .. } = end.extent;
    if end.position != have {
        return Ok(None);
    }
    if cursor == 0 {
        // At least the last line stays as it is: a node whose tables end at it compares it, to see that they belong to this
        // journal.
        (cursor, until) = (1, have.seq.saturating_sub(kept.max(1)));
    }
    let mut first = end.extent.cursor;
    loop {
        let lines = lines_between(journal, cursor, until)?;
        let last = lines.last().map_or(until, |line| line.seq);
        let id = AppendId::random();
        let mut rewrite = build_rewrite(journal, tables, &lines, until, have)?;
        let is_done = last >= until;
        rewrite.cursor = first;
        rewrite.compacted = last;
        rewrite.after = match is_done {
            true => JournalExtent::default(),
            false => JournalExtent { cursor: last + 1, until, ..JournalExtent::default() },
        };
        if !journal.rewrite(have, id, &rewrite)? {
            return Ok(None);
        }
        if !rewrite.appended.is_empty() {
            have = Position { seq: have.seq + rewrite.appended.len() as u64, append: id };
        }
        if is_done || started.elapsed() > SLICE {
            return Ok(Some(have));
        }
        cursor = last + 1;
        first = cursor;
    }
}

fn lines_between(
    journal: &mut dyn SharedJournal,
    from: u64,
    until: u64,
) -> Result<Vec<SharedLine>, StoreError> {
    let mut lines = journal.read(from, STEP)?.lines;
    lines.retain(|line| line.seq <= until);
    Ok(lines)
}

/// The rewrite of some lines.
fn build_rewrite(
    journal: &mut dyn SharedJournal,
    tables: &impl ByteMap,
    lines: &[SharedLine],
    until: u64,
    have: Position,
) -> Result<Rewrite, StoreError> {
    let mut compactor = Compactor::new(tables);
    let mut rewrite = Rewrite::default();
    for line in lines {
        match compactor.rewrite_line(lines::read(line)?)? {
            None => {
                rewrite.growth -= size(&line.text);
                rewrite.removed.push(line.seq);
            }
            Some(kept) => {
                let kept = lines::write(&kept)?;
                if kept.text != line.text {
                    rewrite.growth += size(&kept.text) - size(&line.text);
                    rewrite.changed.push((line.seq, kept));
                }
            }
        }
    }
    // A job needs one snapshot for each pass: the snapshot comes after all lines that the pass rewrites.
    let topics: Vec<_> =
        compactor.jobs().iter().map(|job| Topic::Snapshot(job.as_str().to_owned())).collect();
    let existing = journal.topics_after(until, &topics)?;
    compactor.jobs().retain(|job| !existing.contains(&Topic::Snapshot(job.as_str().to_owned())));
    for (seq, entry) in (have.seq + 1..).zip(compactor.replacements()) {
        let line = lines::write(&Line::new(seq, Timestamp::now(), vec![entry?]))?;
        rewrite.growth += size(&line.text);
        rewrite.appended.push(line);
    }
    Ok(rewrite)
}

fn size(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// Whether the journal should be compacted: it is more than twice as large as after the last pass, or a pass is in progress.
pub(super) fn is_due(extent: JournalExtent, min_size: u64) -> bool {
    extent.cursor > 0 || extent.size > min_size.max(extent.settled.saturating_mul(2))
}

/// The size of texts in bytes.
pub(super) fn size_of(lines: &[NewLine]) -> u64 {
    lines.iter().map(|line| line.text.len() as u64).sum()
}
