//! Reading the lines of one segment.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::entry::Line;
use crate::error::StoreError;
use crate::journal::form::{self, LineFault};

/// Reads lines of one segment in order.
pub(crate) struct SegmentReader {
    path: PathBuf,
    input: BufReader<File>,
    /// Where the next line starts.
    offset: u64,
    /// Bytes of valid lines so far.
    valid_len: u64,
    /// Lines up to this one are checked, but not parsed.
    after: u64,
    /// Damaged lines are skipped: the tables have their content.
    skips_damage: bool,
    /// Damaged lines that were skipped.
    skipped: u64,
    pub(crate) buffer: Vec<u8>,
}

/// The next part of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SegmentItem {
    /// A valid line.
    Line(Line),
    /// The end; the segment is valid up to it.
    End,
    /// A line that was being written when the machine or the process died.
    Torn {
        /// Bytes of valid lines before it.
        valid_len: u64,
    },
}

impl SegmentReader {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { what: "cannot open", path: path.to_owned(), error: source };
        let input = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
        let (path, buffer) = (path.to_owned(), Vec::new());
        Ok(Self { path, input, offset: 0, valid_len: 0, after: 0, skips_damage: false, skipped: 0, buffer })
    }

    /// Skips lines up to this one, and damage among them.
    pub(crate) fn after(self, seq: u64) -> Self {
        Self { after: seq, ..self }
    }

    /// Skips damaged lines, for a caller that has their content elsewhere.
    pub(crate) fn skipping_damage(self) -> Self {
        Self { skips_damage: true, ..self }
    }

    /// Damaged lines that were skipped.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The first line, if it is valid.
    pub(crate) fn first(mut self) -> Option<Line> {
        self.fill().ok()?;
        form::read(self.buffer.strip_suffix(b"\n")?).ok()
    }

    /// Refuses a segment whose first line has an older form.
    pub(crate) fn refuse_older(mut self) -> Result<(), StoreError> {
        self.fill()?;
        match form::read(self.buffer.strip_suffix(b"\n").unwrap_or_default()) {
            Err(LineFault::Older(what)) => Err(StoreError::Older { what }),
            _ => Ok(()),
        }
    }

    /// The next line.
    ///
    /// # Errors
    /// A bad line with valid ones after it is damage; the error has its offset.
    pub(crate) fn next(&mut self) -> Result<SegmentItem, StoreError> {
        let mut bad: Option<(u64, String)> = None;
        loop {
            if self.fill()? == 0 || self.is_unwritten() {
                return Ok(bad.map_or(SegmentItem::End, |_| SegmentItem::Torn { valid_len: self.valid_len }));
            }
            let start = self.offset - self.buffer.len() as u64;
            let is_complete = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
            let is_skipped = is_complete
                && self.after > 0
                && form::seq_of(&self.buffer).is_some_and(|seq| seq <= self.after);
            let line = match form::read(&self.buffer) {
                _ if is_skipped => None,
                // Cutting off a line of another version would lose acknowledged entries.
                Err(LineFault::Older(why)) => {
                    let what = format!("{} at offset {start}: {why}", self.path.display());
                    return Err(StoreError::Older { what });
                }
                Err(LineFault::Newer(why)) => {
                    let what = format!("{} at offset {start}: {why}", self.path.display());
                    return Err(StoreError::Newer { what });
                }
                // The file ends here. Bytes that are written while it is read belong to this line.
                _ if !is_complete => return Ok(SegmentItem::Torn { valid_len: self.valid_len }),
                Err(LineFault::Damaged(why)) => {
                    bad.get_or_insert((start, why));
                    continue;
                }
                Ok(line) => Some(line),
            };
            // A bad line before a valid one is damage if it was on the disk when the valid one was written.
            match (&bad, &line) {
                (Some((start, why)), Some(line)) if !self.skips_damage => {
                    if line.synced.is_none_or(|synced| synced > *start) {
                        let what = format!("{} at offset {start}: {why}", self.path.display());
                        return Err(StoreError::Damaged { what });
                    }
                    // A disk may write the end of a request before its start; none of it was acknowledged.
                    continue;
                }
                (Some(_), _) => self.skipped += 1,
                (None, _) => {}
            }
            bad = None;
            self.valid_len = self.offset;
            if let Some(line) = line {
                return Ok(SegmentItem::Line(line));
            }
        }
    }

    /// Whether the rest of the file is preallocated.
    fn is_unwritten(&self) -> bool {
        self.buffer.iter().all(|byte| *byte == 0)
    }

    /// Bytes of valid lines so far.
    pub(crate) fn valid_len(&self) -> u64 {
        self.valid_len
    }

    /// Reads the next line into the buffer; returns its length.
    pub(crate) fn fill(&mut self) -> Result<usize, StoreError> {
        self.buffer.clear();
        let failed = |source| StoreError::Io { what: "cannot read", path: self.path.clone(), error: source };
        self.input.read_until(b'\n', &mut self.buffer).map_err(failed)?;
        // The zeros before the line feed were preallocated when they were read; the daemon has written there since.
        if self.buffer.ends_with(b"\n") && memchr::memchr(0, &self.buffer).is_some() {
            self.buffer.clear();
            let again = self.input.seek(SeekFrom::Start(self.offset));
            again.and_then(|_| self.input.read_until(b'\n', &mut self.buffer)).map_err(failed)?;
        }
        self.offset += self.buffer.len() as u64;
        Ok(self.buffer.len())
    }
}

#[cfg(test)]
mod tests;
