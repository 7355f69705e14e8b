//! Reading the journal: for catching up, and for one job's story.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::super::entry::{Entry, Line};
use super::super::{StoreError, Told};
use super::form::Bad;
use super::{form, segments};
use dropship_job::JobId;

/// Reads lines of one segment in order.
pub(crate) struct Reader {
    path: PathBuf,
    input: BufReader<File>,
    /// Where the next line starts.
    offset: u64,
    /// Bytes of good lines so far.
    good: u64,
    /// Lines up to this one are proven whole, not taken apart.
    after: u64,
    /// Damaged lines are passed over: the tables hold what they said.
    forgiving: bool,
    /// Damaged lines that were passed over.
    passed: u64,
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
        let failed = |source| StoreError::Io { what: "cannot open", path: path.to_owned(), error: source };
        let input = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
        let (path, buffer) = (path.to_owned(), Vec::new());
        Ok(Self { path, input, offset: 0, good: 0, after: 0, forgiving: false, passed: 0, buffer })
    }

    /// Passes over lines up to this one; damage among them is no matter either.
    pub(crate) fn after(self, seq: u64) -> Self {
        Self { after: seq, ..self }
    }

    /// Passes over damaged lines, for who knows from elsewhere what they said.
    pub(crate) fn forgiving(self) -> Self {
        Self { forgiving: true, ..self }
    }

    /// Damaged lines that were passed over.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// The first line, if it is a good one.
    pub(crate) fn first(mut self) -> Option<Line> {
        self.fill().ok()?;
        form::read(self.buffer.strip_suffix(b"\n")?).ok()
    }

    /// Refuses a segment whose first line has an older form.
    pub(crate) fn refuse_older(mut self) -> Result<(), StoreError> {
        self.fill()?;
        match form::read(self.buffer.strip_suffix(b"\n").unwrap_or_default()) {
            Err(Bad::Older(what)) => Err(StoreError::Older { what }),
            _ => Ok(()),
        }
    }

    /// The next line.
    ///
    /// # Errors
    /// A bad line with good ones after it is damage, and named with its offset.
    pub(crate) fn next(&mut self) -> Result<Item, StoreError> {
        let mut bad: Option<(u64, String)> = None;
        loop {
            if self.fill()? == 0 || self.is_unwritten() {
                return Ok(bad.map_or(Item::End, |_| Item::Torn { good: self.good }));
            }
            let start = self.offset - self.buffer.len() as u64;
            let whole = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
            let old =
                whole && self.after > 0 && form::seq_of(&self.buffer).is_some_and(|seq| seq <= self.after);
            let line = match form::read(&self.buffer) {
                _ if old => None,
                // Cutting these off would lose acknowledged entries.
                Err(Bad::Older(why)) => {
                    let what = format!("{} at offset {start}: {why}", self.path.display());
                    return Err(StoreError::Older { what });
                }
                Err(Bad::Newer(why)) => {
                    let what = format!("{} at offset {start}: {why}", self.path.display());
                    return Err(StoreError::Newer { what });
                }
                // The file ends here. What comes while it is read belongs to this line, and is no other one.
                _ if !whole => return Ok(Item::Torn { good: self.good }),
                Err(Bad::Damaged(why)) => {
                    bad.get_or_insert((start, why));
                    continue;
                }
                Ok(line) => Some(line),
            };
            // A bad line is torn if nothing good follows it that was written after a sync, else somebody damaged the file.
            match (&bad, &line) {
                (Some((start, why)), Some(line)) if !self.forgiving => {
                    if line.synced.is_none_or(|synced| synced > *start) {
                        let what = format!("{} at offset {start}: {why}", self.path.display());
                        return Err(StoreError::Damaged { what });
                    }
                    // A disk may bring the end of a write before its begin; none of it was acknowledged.
                    continue;
                }
                (Some(_), _) => self.passed += 1,
                (None, _) => {}
            }
            bad = None;
            self.good = self.offset;
            if let Some(line) = line {
                return Ok(Item::Line(line));
            }
        }
    }

    /// Is the rest of the file room for lines to come?
    fn is_unwritten(&self) -> bool {
        self.buffer.iter().all(|byte| *byte == 0)
    }

    /// Bytes of good lines so far.
    pub(crate) fn good(&self) -> u64 {
        self.good
    }

    fn fill(&mut self) -> Result<usize, StoreError> {
        self.buffer.clear();
        let failed = |source| StoreError::Io { what: "cannot read", path: self.path.clone(), error: source };
        self.input.read_until(b'\n', &mut self.buffer).map_err(failed)?;
        // Zeros before the end of a line were room when they were read, and the daemon has written there since.
        if self.buffer.ends_with(b"\n") && memchr::memchr(0, &self.buffer).is_some() {
            self.buffer.clear();
            let again = self.input.seek(SeekFrom::Start(self.offset));
            again.and_then(|_| self.input.read_until(b'\n', &mut self.buffer)).map_err(failed)?;
        }
        self.offset += self.buffer.len() as u64;
        Ok(self.buffer.len())
    }
}

/// The story of a job: its events in the order in which they happened.
pub(crate) fn stories(folder: &Path, id: &JobId) -> Result<Vec<Told>, StoreError> {
    // While it is read the oldest segment may go, and what counts of it stands behind the others by then.
    for _ in 0..5 {
        match story(folder, id) {
            Err(StoreError::Io { error: source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            told => return told,
        }
    }
    story(folder, id)
}

fn story(folder: &Path, id: &JobId) -> Result<Vec<Told>, StoreError> {
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
                let events: Vec<_> = match entry {
                    Entry::Job { job, rev, events } if job == *id => (rev..).zip(events).collect(),
                    Entry::History { job, events } if job == *id => events,
                    _ => continue,
                };
                found.extend(events.into_iter().map(|(rev, event)| (rev, Told { at: line.at, event })));
            }
        }
    }
    found.sort_by_key(|(rev, _)| *rev);
    found.dedup_by_key(|(rev, _)| *rev);
    Ok(found.into_iter().map(|(_, told)| told).collect())
}

/// Hands every good line to `each`, in the order of the files.
pub(crate) fn each_line(
    folder: &Path,
    mut each: impl FnMut(Line) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for (_, path) in segments(folder)? {
        let mut reader = match Reader::open(&path) {
            // It went meanwhile, and what counts of it stands further on.
            Err(StoreError::Io { error: source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                continue;
            }
            reader => reader?.forgiving(),
        };
        while let Item::Line(line) = reader.next()? {
            each(line)?;
        }
    }
    Ok(())
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

#[cfg(test)]
mod tests;
