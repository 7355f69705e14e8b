//! Writing the journal: append, sync, rotate, and forget what is no longer needed.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::StoreError;
use super::super::entry::Line;
use super::read::{Item, Reader};
use super::{Limits, form, segment_path, segments};

/// Bytes that are written ahead of the lines. A sync within them brings bytes alone to the disk, and not also that the
/// file has grown, which takes twice as long.
const AHEAD: u64 = 64 << 10;

/// The journal, open for writing at its end.
pub(crate) struct Journal {
    folder: PathBuf,
    number: u64,
    file: File,
    /// Where the next line goes.
    size: u64,
    /// Where the file ends; between lie zeros.
    room: u64,
    /// So far it is on the disk.
    synced: u64,
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
        let (mut last_seq, mut passed, mut size) = (have, 0, 0);
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
            size = reader.good();
        }
        let number = found.last().map_or(1, |(number, _)| *number);
        let (file, room) = open_segment(folder, number)?;
        // What was read may stand in the page cache alone.
        file.sync_data().map_err(io("cannot sync", &segment_path(folder, number)))?;
        let folder = folder.to_owned();
        Ok(Self { folder, number, file, size, room, synced: size, last_seq, limits, passed })
    }

    /// The number of the last line.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Brings all lines to the disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if self.synced < self.size {
            self.file.sync_data().map_err(io("cannot sync", &segment_path(&self.folder, self.number)))?;
            self.synced = self.size;
        }
        Ok(())
    }

    /// Appends lines; with `sync` they survive a power cut once this returns.
    ///
    /// Says whether a new segment was begun for them.
    pub(crate) fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<bool, StoreError> {
        let mut text = self.spell(lines)?;
        let full = self.size > 0 && self.size + text.len() as u64 > self.limits.segment;
        if full {
            self.rotate()?;
            text = self.spell(lines)?;
        }
        self.write(&text)?;
        self.last_seq = lines.last().map_or(self.last_seq, |line| line.seq.max(self.last_seq));
        if sync {
            self.sync()?;
        }
        Ok(full)
    }

    fn spell(&self, lines: &mut [Line]) -> Result<Vec<u8>, StoreError> {
        let mut text = Vec::new();
        for line in lines {
            line.synced = Some(self.synced);
            form::write(line, &mut text)?;
        }
        Ok(text)
    }

    fn write(&mut self, text: &[u8]) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, self.number);
        let end = self.size + text.len() as u64;
        if end > self.room {
            let room = end.max(end.next_multiple_of(AHEAD).min(self.limits.segment));
            let zeros = vec![0; usize::try_from(room - self.room).unwrap_or_default()];
            self.file.write_all_at(&zeros, self.room).map_err(io("cannot make room in", &path))?;
            self.room = room;
        }
        self.file.write_all_at(text, self.size).map_err(io("cannot append to", &path))?;
        self.size = end;
        Ok(())
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
        self.file
            .set_len(self.size)
            .and_then(|()| self.file.sync_data())
            .map_err(io("cannot sync", &path))?;
        let (file, room) = open_segment(&self.folder, self.number + 1)?;
        self.file = file;
        (self.size, self.room, self.synced) = (0, room, 0);
        self.number += 1;
        // Whoever has everything up to this line need not read the segments before.
        let first = self.spell(&mut [Line::new(self.last_seq, Timestamp::now(), Vec::new())])?;
        self.write(&first)
    }
}

impl Drop for Journal {
    /// A journal that nobody writes holds lines and nothing else.
    fn drop(&mut self) {
        if let Err(error) = self.file.set_len(self.size) {
            tracing::warn!("{} cannot be cut: {error}", segment_path(&self.folder, self.number).display());
        }
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
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io("cannot open", &path))?;
    let room = file.metadata().map_err(io("cannot look at", &path))?.len();
    // The name of a new segment has to survive a power cut too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("cannot sync", folder))?;
    Ok((file, room))
}

fn cut(path: &Path, good: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new().write(true).open(path).map_err(io("cannot open", path))?;
    file.set_len(good).and_then(|()| file.sync_all()).map_err(io("cannot cut the torn end of", path))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, error: source }
}
