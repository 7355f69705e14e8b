//! Writing the journal: append, sync, rotate, and forget what is no longer needed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::super::entry::Line;
use super::read::{Item, Reader};
use super::{Limits, form, segment_path, segments};

/// Lines that are carried forward at once.
const CARRIED: usize = 1024;

/// The journal, open for writing at its end.
pub(crate) struct Journal {
    folder: PathBuf,
    number: u64,
    file: File,
    size: u64,
    last_seq: u64,
    limits: Limits,
}

impl Journal {
    /// Opens the journal of a folder, or begins one; hands every line to `each`, in the order of the files.
    ///
    /// A line that was being written when the machine died is cut off.
    pub(crate) fn open(
        folder: &Path,
        limits: Limits,
        mut each: impl FnMut(Line) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(io("cannot create", folder))?;
        let found = segments(folder)?;
        let mut last_seq = 0;
        for (number, path) in &found {
            let mut reader = Reader::open(path)?;
            loop {
                match reader.next()? {
                    Item::Line(line) => {
                        last_seq = last_seq.max(line.seq);
                        each(line)?;
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
        }
        let number = found.last().map_or(1, |(number, _)| *number);
        let (file, size) = open_segment(folder, number)?;
        Ok(Self { folder: folder.to_owned(), number, file, size, last_seq, limits })
    }

    /// The number of the last line.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Numbers further lines from after this one, if it is beyond the last.
    pub(crate) fn go_on_from(&mut self, seq: u64) {
        self.last_seq = self.last_seq.max(seq);
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

    /// Goes through the oldest segment if there are too many: lines of which `remains` leaves something
    /// are carried forward under their own numbers, then the segment goes.
    pub(crate) fn compact(
        &mut self,
        mut remains: impl FnMut(Line) -> Result<Option<Line>, StoreError>,
    ) -> Result<(), StoreError> {
        let found = segments(&self.folder)?;
        let Some((_, oldest)) = found.first().filter(|_| found.len() > self.limits.segments) else {
            return Ok(());
        };
        let mut reader = Reader::open(oldest)?;
        let mut carried = Vec::new();
        while let Item::Line(line) = reader.next()? {
            carried.extend(remains(line)?);
            if carried.len() >= CARRIED {
                self.append(&std::mem::take(&mut carried), false)?;
            }
        }
        self.append(&carried, true)?;
        std::fs::remove_file(oldest).map_err(io("cannot remove", oldest))
    }

    fn rotate(&mut self) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, self.number);
        self.file.sync_data().map_err(io("cannot sync", &path))?;
        let (file, size) = open_segment(&self.folder, self.number + 1)?;
        self.file = file;
        self.size = size;
        self.number += 1;
        Ok(())
    }
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
    move |source| StoreError::Io { what, path, source }
}
