//! Reading the journal: for catching up, and for one job's story.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::super::entry::{Entry, Line};
use super::super::{StoreError, Told};
use super::form::Bad;
use super::{form, segments};
use crate::job::JobId;

/// Reads lines of one segment in order.
pub(crate) struct Reader {
    path: PathBuf,
    input: BufReader<File>,
    /// Where the next line starts.
    offset: u64,
    /// Bytes of good lines so far.
    good: u64,
    buffer: Vec<u8>,
}

/// What stands at the end of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A good line.
    Line(Line),
    /// The end; the segment is good up to it.
    End,
    /// A line that was being written when the machine or the process died.
    Torn {
        /// Bytes of good lines before it.
        good: u64,
    },
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { what: "cannot open", path: path.to_owned(), source };
        let input = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
        Ok(Self { path: path.to_owned(), input, offset: 0, good: 0, buffer: Vec::new() })
    }

    /// The next line.
    ///
    /// # Errors
    /// A bad line with good ones after it is damage, and named with its offset.
    pub(crate) fn next(&mut self) -> Result<Item, StoreError> {
        if self.fill()? == 0 {
            return Ok(Item::End);
        }
        let start = self.offset;
        self.offset += self.buffer.len() as u64;
        let whole = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
        match form::read(&self.buffer) {
            Ok(line) if whole => {
                self.good = self.offset;
                Ok(Item::Line(line))
            }
            // Cutting it off would forget what was acknowledged.
            Err(Bad::Newer(why)) => {
                Err(StoreError::Newer { what: format!("{} at offset {start}: {why}", self.path.display()) })
            }
            Err(Bad::Damaged(why)) => self.torn_or_damaged(start, &why),
            Ok(_) => self.torn_or_damaged(start, "it has no end"),
        }
    }

    /// A bad line is torn if nothing good follows it, else somebody damaged the file.
    fn torn_or_damaged(&mut self, start: u64, why: &str) -> Result<Item, StoreError> {
        let good = self.good;
        while self.fill()? > 0 {
            let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
            if !matches!(form::read(text), Err(Bad::Damaged(_))) {
                let what = format!("{} at offset {start}: {why}", self.path.display());
                return Err(StoreError::Damaged { what });
            }
        }
        Ok(Item::Torn { good })
    }

    fn fill(&mut self) -> Result<usize, StoreError> {
        self.buffer.clear();
        let failed = |source| StoreError::Io { what: "cannot read", path: self.path.clone(), source };
        self.input.read_until(b'\n', &mut self.buffer).map_err(failed)
    }
}

/// The story of a job: its events in the order in which they happened.
pub(crate) fn stories(folder: &Path, id: &JobId) -> Result<Vec<Told>, StoreError> {
    let mut found: Vec<(u64, Told)> = Vec::new();
    for (_, path) in segments(folder)? {
        let mut reader = Reader::open(&path)?;
        // Most lines are of other jobs: only those that name this one are worth reading.
        while reader.fill()? > 0 {
            if !contains(&reader.buffer, id.as_str().as_bytes()) {
                continue;
            }
            let text = reader.buffer.strip_suffix(b"\n").unwrap_or(&reader.buffer);
            let Ok(line) = form::read(text) else { continue };
            for entry in line.entries {
                if let Entry::Job { job, rev, events } = entry
                    && job == *id
                {
                    found.extend((rev..).zip(events).map(|(rev, event)| (rev, Told { at: line.at, event })));
                }
            }
        }
    }
    found.sort_by_key(|(rev, _)| *rev);
    found.dedup_by_key(|(rev, _)| *rev);
    Ok(found.into_iter().map(|(_, told)| told).collect())
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}
