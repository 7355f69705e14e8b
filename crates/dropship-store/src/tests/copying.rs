//! Copies between stores of both kinds.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const JOBS: u32 = 60;

fn shared(folder: &Path, journal: &MemoryJournal) -> SharedStore {
    let (journal, cancelled) = (Box::new(journal.clone()), AtomicBool::new(false));
    let role = Role::Command { name: "copy".to_owned() };
    SharedStore::open_with_limit(folder, journal, role, u64::MAX, Arc::new(Unwatched), &cancelled)
        .expect("the node opens its store")
        .0
}

fn on_disk(folder: &Path) -> DiskStore {
    DiskStore::open_for_copy(folder).expect("the store opens").0
}

fn side<'a>(store: &'a dyn Store, name: &'a str) -> CopySide<'a> {
    CopySide { store, name }
}

fn copy(from: CopySide<'_>, to: CopySide<'_>) -> Copied {
    let copy = copy_entries(from, to).unwrap_or_else(|error| panic!("{error}"));
    finish_copy(from, to).expect("finished");
    copy
}

/// A store after this many commits of a random history, of which most lines were compacted.
fn source(folder: &Path, commits: u32) -> DiskStore {
    let (store, _) = open_with(folder, SegmentLimits { max_segment_size: 2 << 10, max_segments: 2 });
    let (mut random, mut pruned) = (1_u32, BTreeSet::new());
    for _ in 0..commits {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        commit_random(&store, random.to_be_bytes()[0], random / 256 % JOBS, &mut pruned);
    }
    drop(store);
    on_disk(folder)
}

/// All answers of a store, without the settings: marks are among them.
fn answers(store: &dyn Store) -> BTreeMap<String, String> {
    let mut answers = all_answers(store, JOBS);
    answers.remove("flags");
    answers
}

#[test]
fn copy_to_the_other_kind_and_back_has_everything() {
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("folder"));
    let journal = MemoryJournal::default();
    let from = source(folders[0].path(), 600);
    let database = shared(folders[1].path(), &journal);
    let first = copy(side(&from, "folder"), side(&database, "database"));
    assert!(first.added == first.content.entries && first.content.jobs > 3, "{first:?}");
    assert_eq!(answers(&database), answers(&from));
    assert_eq!(database.check().expect("checked"), []);
    assert_eq!(CopyMark::of(&from).expect("read"), Some(CopyMark::MovedTo("database".to_owned())));
    assert_eq!(CopyMark::of(&database).expect("read"), None);

    // Again: nothing is to be copied.
    let again = copy(side(&from, "folder"), side(&database, "database"));
    assert_eq!(again, Copied { added: 0, ..first.clone() });

    let back = on_disk(folders[2].path());
    assert_eq!(copy(side(&database, "database"), side(&back, "back")).content, first.content);
    assert_eq!(answers(&back), answers(&from));
    assert_eq!(back.check().expect("checked"), []);
    assert_eq!(CopyMark::of(&back).expect("read"), None);
    // The first folder is not copied anywhere else, and may be used again while it has the same content.
    let refused = copy_entries(side(&from, "folder"), side(&back, "elsewhere"));
    assert!(matches!(refused, Err(CopyError::SourceMoved { .. })), "{refused:?}");
    copy(side(&back, "back"), side(&from, "folder"));
    assert_eq!(CopyMark::of(&from).expect("read"), None);
    assert_eq!(CopyMark::of(&back).expect("read"), Some(CopyMark::MovedTo("folder".to_owned())));
}

#[test]
fn copy_that_ended_at_any_line_is_continued() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let from = source(folders[0].path(), 12);
    let whole = on_disk(folders[1].path());
    let expected = copy_entries(side(&from, "a"), side(&whole, "b")).expect("copied");
    // A check of a label that is not published is not exported.
    let whole_answers = answers(&whole);
    drop(whole);
    let text = std::fs::read(folders[1].path().join("journal/00000001.jsonl")).expect("one segment");
    let ends: Vec<_> = memchr::memchr_iter(b'\n', &text).map(|end| end + 1).collect();
    assert_eq!(ends.len() as u64, expected.content.entries + 1, "the mark, then the entries");
    for (line, end) in ends.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("journal")).expect("created");
        // A kill tears the line that is written.
        let torn = text.len().min(end + 7);
        std::fs::write(folder.path().join("journal/00000001.jsonl"), &text[..torn]).expect("written");
        let to = on_disk(folder.path());
        assert!(matches!(CopyMark::of(&to), Ok(Some(CopyMark::UnfinishedCopyOf(_)))));
        let onward = copy_entries(side(&to, "b"), side(&MemoryStore::new(), "c"));
        assert!(matches!(onward, Err(CopyError::SourceUnfinished { .. })), "{onward:?}");
        let continued = copy(side(&from, "a"), side(&to, "b"));
        assert_eq!(continued.content, expected.content, "from line {line}");
        assert_eq!(continued.added, expected.content.entries - line as u64);
        assert_eq!(answers(&to), whole_answers);
    }
}

#[test]
fn target_with_other_content_is_refused_and_left_alone() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (from, to) = (source(folders[0].path(), 20), on_disk(folders[1].path()));
    create_job(&to, &id(7), "cc");
    let before = Fingerprint::of(&to).expect("read");
    let refused = copy_entries(side(&from, "a"), side(&to, "b"));
    assert!(matches!(refused, Err(CopyError::OtherContent { .. })), "{refused:?}");
    assert_eq!(Fingerprint::of(&to).expect("read"), before);
    assert_eq!(CopyMark::of(&to).expect("read"), None);
    assert_eq!(CopyMark::of(&from).expect("read"), None);
}

#[test]
fn unfinished_copy_of_a_source_that_has_changed_is_refused() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (from, to) = (source(folders[0].path(), 20), on_disk(folders[1].path()));
    copy_entries(side(&from, "a"), side(&to, "b")).expect("copied");
    commit(&from, vec![Entry::Setting { key: "bound/endpoint".into(), value: Some("other".into()) }]);
    let refused = copy_entries(side(&from, "a"), side(&to, "b"));
    assert!(matches!(refused, Err(CopyError::OtherState { .. })), "{refused:?}");
}
