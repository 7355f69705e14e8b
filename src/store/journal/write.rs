//! Writing the journal: append, sync, rotate, and forget what is no longer needed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::StoreError;
use super::super::entry::{LINE_VERSION, Line};
use super::read::{Item, Reader};
use super::{Limits, form, segment_path, segments};

/// The journal, open for writing at its end.
pub(crate) struct Journal {
    folder: PathBuf,
    number: u64,
    file: File,
    size: u64,
    last_seq: u64,
    limits: Limits,
    /// Damaged lines that opening passed over, since the tables hold what they said.
    pub(crate) passed: u64,
}

impl Journal {
    /// Opens the journal of a folder, or begins one; hands every line after `have` to `each`, in the order of the files.
    ///
    /// Segments in which nothing can be after `have` are not read. A line that was being written when the machine died
    /// is cut off.
    pub(crate) fn open(
        folder: &Path,
        limits: Limits,
        have: u64,
        mut each: impl FnMut(Line) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(io("cannot create", folder))?;
        let found = segments(folder)?;
        let (mut last_seq, mut passed) = (have, 0);
        for (number, path) in &found[needed_from(&found, have)?..] {
            let mut reader = Reader::open(path)?.after(have);
            loop {
                match reader.next()? {
                    Item::Line(line) => {
                        last_seq = last_seq.max(line.seq);
                        if !line.entries.is_empty() {
                            each(line)?;
                        }
                    }
                    Item::End => break,
                    Item::Torn { good } => {
                        if found.last().is_some_and(|(last, _)| last != number) {
                            let what = format!("{} ends within a line at offset {good}", path.display());
                            return Err(StoreError::Damaged { what });
                        }
                        cut(path, good)?;
                        break;
                    }
                }
            }
            passed += reader.passed();
        }
        let number = found.last().map_or(1, |(number, _)| *number);
        let (file, size) = open_segment(folder, number)?;
        Ok(Self { folder: folder.to_owned(), number, file, size, last_seq, limits, passed })
    }

    /// The number of the last line.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Brings all lines to the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(io("cannot sync", &segment_path(&self.folder, self.number)))
    }

    /// Appends lines; with `sync` they survive a power cut once this returns.
    ///
    /// Says whether a new segment was begun for them.
    pub(crate) fn append(&mut self, lines: &[Line], sync: bool) -> Result<bool, StoreError> {
        let mut text = Vec::new();
        for line in lines {
            form::write(line, &mut text)?;
        }
        let full = self.size > 0 && self.size + text.len() as u64 > self.limits.segment;
        if full {
            self.rotate()?;
        }
        let path = segment_path(&self.folder, self.number);
        self.file.write_all(&text).map_err(io("cannot append to", &path))?;
        if sync {
            self.file.sync_data().map_err(io("cannot sync", &path))?;
        }
        self.size += text.len() as u64;
        self.last_seq = lines.last().map_or(self.last_seq, |line| line.seq.max(self.last_seq));
        Ok(full)
    }

    /// The oldest segment, if there are too many.
    pub(crate) fn surplus(&self) -> Result<Option<PathBuf>, StoreError> {
        let found = segments(&self.folder)?;
        let too_many = found.len() > self.limits.segments;
        Ok(found.into_iter().next().filter(|_| too_many).map(|(_, path)| path))
    }

    /// Lets a segment go of which nothing counts any more.
    pub(crate) fn drop_segment(&self, path: &Path) -> Result<(), StoreError> {
        std::fs::remove_file(path).map_err(io("cannot remove", path))
    }

    fn rotate(&mut self) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, self.number);
        self.file.sync_data().map_err(io("cannot sync", &path))?;
        let (file, size) = open_segment(&self.folder, self.number + 1)?;
        self.file = file;
        self.size = size;
        self.number += 1;
        // Whoever has everything up to this line need not read the segments before.
        let line = Line { v: LINE_VERSION, seq: self.last_seq, at: Timestamp::now(), entries: Vec::new() };
        let mut text = Vec::new();
        form::write(&line, &mut text)?;
        self.file
            .write_all(&text)
            .map_err(io("cannot append to", &segment_path(&self.folder, self.number)))?;
        self.size += text.len() as u64;
        Ok(())
    }
}

/// Everything up to this line has left the journal, if anything has.
pub(crate) fn begins_after(folder: &Path) -> Result<u64, StoreError> {
    let Some((_, first)) = segments(folder)?.into_iter().next() else { return Ok(0) };
    let line = Reader::open(&first)?.first().filter(|line| line.entries.is_empty());
    Ok(line.map_or(0, |line| line.seq))
}

/// The place of the first segment that can hold lines after `have`.
fn needed_from(found: &[(u64, PathBuf)], have: u64) -> Result<usize, StoreError> {
    for (place, (_, path)) in found.iter().enumerate().rev() {
        if let Some(line) = Reader::open(path)?.first()
            && line.entries.is_empty()
            && line.seq <= have
        {
            return Ok(place);
        }
    }
    Ok(0)
}

fn open_segment(folder: &Path, number: u64) -> Result<(File, u64), StoreError> {
    let path = segment_path(folder, number);
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io("cannot open", &path))?;
    let size = file.metadata().map_err(io("cannot look at", &path))?.len();
    // The name of a new segment has to survive a power cut too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("cannot sync", folder))?;
    Ok((file, size))
}

fn cut(path: &Path, good: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new().write(true).open(path).map_err(io("cannot open", path))?;
    file.set_len(good).and_then(|()| file.sync_all()).map_err(io("cannot cut the torn end of", path))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, error: source }
}
