//! Writing the journal: append, sync, rotate, delete the oldest segment.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::entry::Line;
use crate::error::StoreError;
use crate::journal::form;
use crate::journal::read::{SegmentItem, SegmentReader};
use crate::journal::segments::{SegmentLimits, segment_path, segments};

/// Bytes that are preallocated. A sync of a file that has grown takes twice as long, because its length is written too.
const PREALLOCATED: u64 = 64 << 10;

/// The journal, open for writing at its end.
pub(crate) struct FileJournal {
    folder: PathBuf,
    /// Number of the segment.
    number: u64,
    file: File,
    /// Offset of the next line.
    size: u64,
    /// End of the file; zeros from `size` on.
    allocated: u64,
    /// Bytes that are on the disk.
    synced: u64,
    last_seq: u64,
    limits: SegmentLimits,
    /// Damaged lines that opening skipped, because the tables have their content.
    pub(crate) skipped: u64,
}

impl FileJournal {
    /// Opens or creates the journal of a folder; passes every line after `have` to `each`, in the order of the files.
    ///
    /// Segments that cannot contain lines after `have` are not read. A line that was being written when the machine died
    /// is cut off.
    pub(crate) fn open(
        folder: &Path,
        limits: SegmentLimits,
        have: u64,
        mut each: impl FnMut(Line) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(io("cannot create", folder))?;
        let found = segments(folder)?;
        let (mut last_seq, mut skipped, mut size) = (have, 0, 0);
        for (number, path) in &found[needed_from(&found, have)?..] {
            let mut reader = SegmentReader::open(path)?.after(have);
            loop {
                match reader.next()? {
                    SegmentItem::Line(line) => {
                        last_seq = last_seq.max(line.seq);
                        if !line.entries.is_empty() {
                            each(line)?;
                        }
                    }
                    SegmentItem::End => break,
                    SegmentItem::Torn { valid_len } => {
                        if found.last().is_some_and(|(last, _)| last != number) {
                            let what = format!("{} ends within a line at offset {valid_len}", path.display());
                            return Err(StoreError::Damaged { what });
                        }
                        cut(path, valid_len)?;
                        break;
                    }
                }
            }
            skipped += reader.skipped();
            size = reader.valid_len();
        }
        let number = found.last().map_or(1, |(number, _)| *number);
        let (file, allocated) = open_segment(folder, number)?;
        // The lines that were read may be in the page cache only.
        file.sync_data().map_err(io("cannot sync", &segment_path(folder, number)))?;
        let folder = folder.to_owned();
        Ok(Self { folder, number, file, size, allocated, synced: size, last_seq, limits, skipped })
    }

    /// The number of the last line.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Syncs all lines to the disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if self.synced < self.size {
            let synced = self.file.sync_data().and_then(|()| has_name(&self.file));
            synced.map_err(io("cannot sync", &segment_path(&self.folder, self.number)))?;
            self.synced = self.size;
        }
        Ok(())
    }

    /// Appends lines; with `sync` they survive a power cut when this returns. Returns whether a new segment was started.
    pub(crate) fn append(&mut self, lines: &mut [Line], sync: bool) -> Result<bool, StoreError> {
        let mut text = self.encode(lines)?;
        let is_full = self.size > 0 && self.size + text.len() as u64 > self.limits.max_segment_size;
        if is_full {
            self.rotate()?;
            text = self.encode(lines)?;
        }
        self.write(&text)?;
        self.last_seq = lines.last().map_or(self.last_seq, |line| line.seq.max(self.last_seq));
        if sync {
            self.sync()?;
        }
        Ok(is_full)
    }

    fn encode(&self, lines: &mut [Line]) -> Result<Vec<u8>, StoreError> {
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
        if end > self.allocated {
            let allocated = end.max(end.next_multiple_of(PREALLOCATED).min(self.limits.max_segment_size));
            let zeros = vec![0; usize::try_from(allocated - self.allocated).unwrap_or_default()];
            self.file.write_all_at(&zeros, self.allocated).map_err(io("cannot extend", &path))?;
            self.allocated = allocated;
        }
        self.file.write_all_at(text, self.size).map_err(io("cannot append to", &path))?;
        self.size = end;
        Ok(())
    }

    /// The oldest segment, if there are too many.
    pub(crate) fn surplus(&self) -> Result<Option<PathBuf>, StoreError> {
        let found = segments(&self.folder)?;
        let too_many = found.len() > self.limits.max_segments;
        Ok(found.into_iter().next().filter(|_| too_many).map(|(_, path)| path))
    }

    /// Deletes a segment whose valid content has been appended again.
    pub(crate) fn drop_segment(&self, path: &Path) -> Result<(), StoreError> {
        std::fs::remove_file(path).map_err(io("cannot remove", path))
    }

    fn rotate(&mut self) -> Result<(), StoreError> {
        let path = segment_path(&self.folder, self.number);
        self.file
            .set_len(self.size)
            .and_then(|()| self.file.sync_data())
            .map_err(io("cannot sync", &path))?;
        self.allocated = self.size;
        let (file, allocated) = open_segment(&self.folder, self.number + 1)?;
        self.file = file;
        (self.size, self.allocated, self.synced) = (0, allocated, 0);
        self.number += 1;
        // A reader that has everything up to this line can skip the earlier segments.
        let first = self.encode(&mut [Line::new(self.last_seq, Timestamp::now(), Vec::new())])?;
        self.write(&first)
    }
}

impl Drop for FileJournal {
    /// A closed journal has no preallocated end.
    fn drop(&mut self) {
        if let Err(error) = self.file.set_len(self.size) {
            tracing::warn!(
                "cannot cut the preallocated end of {}: {error}; the next start does it",
                segment_path(&self.folder, self.number).display()
            );
        }
    }
}

/// The number of the last line that compaction has deleted; 0: none.
pub(crate) fn starts_after(folder: &Path) -> Result<u64, StoreError> {
    let Some((_, first)) = segments(folder)?.into_iter().next() else { return Ok(0) };
    let line = SegmentReader::open(&first)?.first().filter(|line| line.entries.is_empty());
    Ok(line.map_or(0, |line| line.seq))
}

/// The index of the first segment that can contain lines after `have`.
fn needed_from(found: &[(u64, PathBuf)], have: u64) -> Result<usize, StoreError> {
    for (index, (_, path)) in found.iter().enumerate().rev() {
        if let Some(line) = SegmentReader::open(path)?.first()
            && line.entries.is_empty()
            && line.seq <= have
        {
            return Ok(index);
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
    let allocated = file.metadata().map_err(io("cannot read the size of", &path))?.len();
    // The name of a new segment has to survive a power cut, too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("cannot sync", folder))?;
    Ok((file, allocated))
}

/// Fails if the file was deleted: what is written to it would be lost when the process ends.
fn has_name(file: &File) -> std::io::Result<()> {
    match file.metadata()?.nlink() {
        0 => Err(std::io::Error::new(std::io::ErrorKind::NotFound, "the file was deleted while it was open")),
        _ => Ok(()),
    }
}

fn cut(path: &Path, valid_len: u64) -> Result<(), StoreError> {
    let file = OpenOptions::new().write(true).open(path).map_err(io("cannot open", path))?;
    file.set_len(valid_len).and_then(|()| file.sync_all()).map_err(io("cannot cut the torn end of", path))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { what, path, error: source }
}
