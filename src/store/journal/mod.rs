//! The journal: append-only, checksummed segments of lines, and the durable act of the store.

mod form;
mod read;
mod write;

pub(super) use read::{Item, Reader, each_line, stories};
pub(super) use write::{Journal, begins_after};

use std::path::{Path, PathBuf};

use super::StoreError;

/// How large the journal may grow before it is gone through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A segment that has grown so large is followed by the next, in bytes.
    pub(super) segment: u64,
    /// With more segments than this the oldest is gone through: what still counts of it is written again.
    pub(super) segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 32 << 20, segments: 4 }
    }
}

/// The segments of a folder with their numbers, in order.
pub(super) fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let failed = |source| StoreError::Io { what: "cannot list", path: folder.to_owned(), error: source };
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_suffix(".jsonl").and_then(|stem| stem.parse().ok());
        found.extend(number.map(|number| (number, path)));
    }
    found.sort_unstable();
    Ok(found)
}

/// Refuses a journal of an older form before anything in the store is changed.
pub(super) fn refuse_older(folder: &Path) -> Result<(), StoreError> {
    if !folder.is_dir() {
        return Ok(());
    }
    segments(folder)?.iter().try_for_each(|(_, path)| Reader::open(path)?.refuse_older())
}

/// The path of a segment.
fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.jsonl"))
}
