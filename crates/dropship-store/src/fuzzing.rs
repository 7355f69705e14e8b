//! Entry points for the fuzz targets.

use std::path::Path;

use crate::journal::{SegmentItem, SegmentReader, read_again};
use crate::tables::decode_job;

/// Reads the file at `path` as a segment of the journal, to its end or to its first damage.
pub fn read_segment(path: &Path) {
    let Ok(mut reader) = SegmentReader::open(path) else { return };
    while let Ok(SegmentItem::Line(_)) = reader.next() {}
}

/// Reads an intact line of the journal with this JSON. One that can be read reads the same once it is written again.
pub fn read_line(json: &[u8]) {
    read_again(json);
}

/// Reads a job as the tables store it.
pub fn read_job(value: &[u8]) {
    let _job = decode_job(value);
}
