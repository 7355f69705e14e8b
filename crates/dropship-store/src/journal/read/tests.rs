use std::os::unix::fs::FileExt;

use jiff::Timestamp;

use super::*;
use crate::entry::Entry;
use crate::journal::segments::segment_path;
use dropship_job::{Event, JobId};

fn id() -> JobId {
    JobId::new(1_790_000_000_000, 1)
}

/// A line of a segment whose first `synced` bytes were synced.
fn line(seq: u64, synced: u64) -> Line {
    let at = Timestamp::from_second(1_790_000_000).expect("a time");
    let entry = Entry::Job { job: id(), rev: seq, events: vec![Event::Resumed] };
    Line { synced: Some(synced), ..Line::new(seq, at, vec![entry]) }
}

fn encoded(line: &Line) -> Vec<u8> {
    let mut text = Vec::new();
    form::write(line, &mut text).expect("encoded");
    text
}

/// A segment of a folder of its own.
fn segment(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = segment_path(folder.path(), 1);
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn lines_written_into_preallocated_bytes_while_reading_are_found() {
    let [first, second, third] = [line(1, 0), line(2, 0), line(3, 0)];
    let (one, two) = (encoded(&first), [encoded(&second), encoded(&third)].concat());
    // The preallocated bytes end within the second line, as they do when the daemon extends the file.
    let allocated = encoded(&second).len() / 2;
    let (_folder, path) = segment(&[one.clone(), vec![0; allocated]].concat());
    let mut reader = SegmentReader::open(&path).expect("opened").skipping_damage();
    assert_eq!(reader.next().expect("read"), SegmentItem::Line(first));
    let file = File::options().write(true).open(&path).expect("opened");
    file.write_all_at(&two, one.len() as u64).expect("written");
    file.set_len((one.len() + two.len() + allocated) as u64).expect("extended");
    assert_eq!(reader.next().expect("read"), SegmentItem::Line(second));
    assert_eq!(reader.next().expect("read"), SegmentItem::Line(third));
    assert_eq!((reader.next().expect("read"), reader.skipped()), (SegmentItem::End, 0));
    assert_eq!(reader.valid_len(), (one.len() + two.len()) as u64);
}

#[test]
fn bad_bytes_are_damage_only_if_they_were_synced_before() {
    let one = encoded(&line(1, 0));
    let valid_len = one.len() as u64;
    let with = |synced: u64| [&one[..], b"a bad line\n", &encoded(&line(2, synced))].concat();
    for (synced, damaged) in [(0, false), (valid_len - 1, false), (valid_len, false), (valid_len + 1, true)] {
        let (_folder, path) = segment(&with(synced));
        let mut reader = SegmentReader::open(&path).expect("opened");
        assert!(matches!(reader.next().expect("read"), SegmentItem::Line(_)));
        match reader.next() {
            Ok(item) => assert_eq!((item, damaged), (SegmentItem::Torn { valid_len }, false), "{synced}"),
            Err(error) => {
                assert!(
                    damaged && error.to_string().contains(&format!("offset {valid_len}")),
                    "{synced}: {error}"
                );
            }
        }
    }
}
