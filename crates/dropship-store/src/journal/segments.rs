//! The files of the journal.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::journal::read::SegmentReader;

/// How large the journal may grow before it is compacted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentLimits {
    /// Maximum size of a segment in bytes; then the next one is started.
    pub(crate) max_segment_size: u64,
    /// Maximum number of segments; beyond it the oldest ones are compacted.
    pub(crate) max_segments: usize,
}

impl Default for SegmentLimits {
    fn default() -> Self {
        Self { max_segment_size: 32 << 20, max_segments: 4 }
    }
}

/// The segments of a folder with their numbers, in order.
pub(crate) fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let failed = |error| StoreError::Io { what: "cannot list", path: folder.to_owned(), error };
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
pub(crate) fn refuse_older(folder: &Path) -> Result<(), StoreError> {
    if !folder.is_dir() {
        return Ok(());
    }
    segments(folder)?.iter().try_for_each(|(_, path)| SegmentReader::open(path)?.refuse_older())
}

/// The path of a segment.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.jsonl"))
}
