use std::os::unix::fs::FileExt;

use jiff::Timestamp;

use super::*;
use dropship_job::Event;

fn id() -> JobId {
    JobId::new(1_790_000_000_000, 1)
}

/// A line of a segment of which so many bytes were synced.
fn line(seq: u64, synced: u64) -> Line {
    let at = Timestamp::from_second(1_790_000_000).expect("a time");
    let entry = Entry::Job { job: id(), rev: seq, events: vec![Event::Resumed] };
    Line { synced: Some(synced), ..Line::new(seq, at, vec![entry]) }
}

fn spelt(line: &Line) -> Vec<u8> {
    let mut text = Vec::new();
    form::write(line, &mut text).expect("spelt");
    text
}

/// A segment of a folder of its own.
fn segment(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = super::super::segment_path(folder.path(), 1);
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

#[test]
fn room_that_was_read_before_lines_came_there_hides_none_of_them() {
    let [first, second, third] = [line(1, 0), line(2, 0), line(3, 0)];
    let (one, two) = (spelt(&first), [spelt(&second), spelt(&third)].concat());
    // The room ends within what comes, as it does when the daemon makes more.
    let room = spelt(&second).len() / 2;
    let (_folder, path) = segment(&[one.clone(), vec![0; room]].concat());
    let mut reader = Reader::open(&path).expect("opened").forgiving();
    assert_eq!(reader.next().expect("read"), Item::Line(first));
    let file = File::options().write(true).open(&path).expect("opened");
    file.write_all_at(&two, one.len() as u64).expect("written");
    file.set_len((one.len() + two.len() + room) as u64).expect("more room");
    assert_eq!(reader.next().expect("read"), Item::Line(second));
    assert_eq!(reader.next().expect("read"), Item::Line(third));
    assert_eq!((reader.next().expect("read"), reader.passed()), (Item::End, 0));
    assert_eq!(reader.good(), (one.len() + two.len()) as u64);
}

#[test]
fn bad_bytes_are_damage_only_if_they_were_on_the_disk_before() {
    let one = spelt(&line(1, 0));
    let good = one.len() as u64;
    let with = |synced: u64| [&one[..], b"a bad line\n", &spelt(&line(2, synced))].concat();
    for (synced, damaged) in [(0, false), (good - 1, false), (good, false), (good + 1, true)] {
        let (_folder, path) = segment(&with(synced));
        let mut reader = Reader::open(&path).expect("opened");
        assert!(matches!(reader.next().expect("read"), Item::Line(_)));
        match reader.next() {
            Ok(item) => assert_eq!((item, damaged), (Item::Torn { good }, false), "{synced}"),
            Err(error) => {
                assert!(
                    damaged && error.to_string().contains(&format!("offset {good}")),
                    "{synced}: {error}"
                );
            }
        }
    }
}
