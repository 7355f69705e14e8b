//! One suite for both stores, and tests of the store on disk.

mod copying;
mod fleet;
mod ladder;
mod lease_model;
mod published;
mod rebuilt;
mod shared;

use std::path::Path;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use crate::heartbeat::Unwatched;
use crate::journal::SegmentLimits;
use crate::testing::*;
use crate::*;
use dropship_job::{ErrorKind, Event, Fault, JobId, RemoteId, RemoteKind, StateKind};

fn open(folder: &Path) -> (DiskStore, OpenReport) {
    DiskStore::open(folder).expect("the store opens")
}

fn open_with(folder: &Path, limits: SegmentLimits) -> (DiskStore, OpenReport) {
    let cancelled = AtomicBool::new(false);
    DiskStore::open_with(folder, limits, Arc::new(Unwatched), false, &cancelled).expect("the store opens")
}

#[test]
fn memory_store_passes_the_suite() {
    suite(&MemoryStore::new());
}

#[test]
fn disk_store_passes_the_suite_and_reads_it_back() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, report) = open(folder.path());
    assert_eq!(report, OpenReport { is_new: true, ..OpenReport::default() });
    suite(&store);
    drop(store);
    let (store, report) = open(folder.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(store.jobs(&Filter::default()).expect("list").len(), 1);
    assert_eq!(store.find("bb", Some("in")).expect("read"), Some(id(2)));
}

#[test]
fn locked_store_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let (_store, _) = open(folder.path());
    let second = DiskStore::open(folder.path()).map(|_| ());
    assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
}

#[test]
fn lost_database_is_rebuilt_from_the_journal() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open(folder.path());
    suite(&store);
    let before = store.jobs(&Filter::default()).expect("list");
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("lost");
    let (store, report) = open(folder.path());
    assert!(report.replayed > 5, "{report:?}");
    assert_eq!(store.jobs(&Filter::default()).expect("list"), before);
    assert_eq!(store.settings("pause/").expect("read").len(), 1);
}

#[test]
fn damaged_database_is_moved_aside_and_rebuilt() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open(folder.path());
    suite(&store);
    let before = store.jobs(&Filter::default()).expect("list");
    drop(store);
    let path = folder.path().join("sled/db");
    let mut bytes = std::fs::read(&path).expect("database");
    bytes.truncate(bytes.len() / 2);
    bytes.iter_mut().skip(16).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&path, &bytes).expect("damage");
    let (store, report) = open(folder.path());
    let (aside, why) = report.quarantined.expect("quarantined");
    assert!(aside.is_dir() && !why.is_empty(), "{} {why}", aside.display());
    assert_eq!(store.jobs(&Filter::default()).expect("list"), before);
}

#[test]
fn torn_line_is_cut_off_and_damaged_line_is_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open(folder.path());
    create_job(&store, &id(1), "aa");
    create_job(&store, &id(2), "bb");
    drop(store);
    let path = folder.path().join("journal/00000001.jsonl");
    let text = std::fs::read(&path).expect("journal");
    let first = text.iter().position(|byte| *byte == b'\n').expect("a line") + 1;

    std::fs::write(&path, &text[..text.len() - 5]).expect("torn");
    std::fs::remove_dir_all(folder.path().join("sled")).expect("lost");
    let (store, _) = open(folder.path());
    assert_eq!(store.jobs(&Filter::default()).expect("list").len(), 1);
    drop(store);
    assert_eq!(std::fs::metadata(&path).expect("journal").len(), first as u64);

    let mut damaged = text;
    damaged[first - 10] ^= 1;
    std::fs::write(&path, &damaged).expect("damaged");
    let error = DiskStore::open(folder.path()).map(|_| ()).expect_err("damage is an error");
    assert!(error.to_string().contains("00000001.jsonl at offset 0"), "{error}");
    let names = std::fs::read_dir(folder.path()).expect("the store").flatten().map(|item| item.file_name());
    let aside = names.filter(|name| name.to_string_lossy().starts_with("damaged")).count();
    assert_eq!(aside, 0, "the database is healthy and stays where it is");
}

#[test]
fn journal_that_was_deleted_acknowledges_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open(folder.path());
    create_job(&store, &id(1), "aa");
    std::fs::remove_dir_all(folder.path().join("journal")).expect("deleted");
    let intent = dropship_job::Intent::new("n", "q", Timestamp::now());
    let intended = Event::Intended { kind: RemoteKind::Product, intent };
    let error = store.commit(Commit::of_job(&id(1), 2, vec![intended])).wait().expect_err("it would be lost");
    assert!(error.is_fatal() && error.to_string().contains("was deleted"), "{error}");
}

#[test]
fn create_in_doubt_stays_in_doubt_after_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open(folder.path());
    create_job(&store, &id(1), "aa");
    let intent = dropship_job::Intent {
        existing_ids: vec![RemoteId::new(9_007_199_254_740_993)],
        ..dropship_job::Intent::new("n", "q", Timestamp::now())
    };
    let intended = Event::Intended { kind: RemoteKind::Product, intent: intent.clone() };
    store.commit(Commit::of_job(&id(1), 2, vec![intended])).wait().expect("intended");
    drop(store);
    let (store, _) = open(folder.path());
    let job = store.job(&id(1)).expect("read").expect("there");
    let doubt =
        job.doubt().map(|(kind, doubt)| (kind, dropship_job::Intent { first_called: None, ..doubt.clone() }));
    assert_eq!(doubt, Some((RemoteKind::Product, intent)));
}

#[test]
fn journal_stays_bounded_and_can_rebuild_everything() {
    let folder = tempfile::tempdir().expect("folder");
    let limits = SegmentLimits { max_segment_size: 8_000, max_segments: 3 };
    let (store, _) = open_with(folder.path(), limits);
    create_job(&store, &id(1), "aa");
    create_job(&store, &id(2), "bb");
    commit(&store, vec![Entry::Setting { key: "pause/*".into(), value: Some("on".into()) }]);
    // A job that is pruned while its file is still there.
    let fault = Fault::new(ErrorKind::Internal, "y");
    store.commit(Commit::of_job(&id(2), 2, vec![Event::Failed { fault }])).wait().expect("failed");
    commit(&store, vec![Entry::Pruned { job: id(2) }]);
    store.commit(Commit::of_job(&id(1), 2, vec![Event::Overdue])).wait().expect("overdue");
    let mut rev = 3;
    for round in 0..500 {
        let due = Timestamp::from_second(1_790_000_000 + round).expect("time");
        let events = vec![
            Event::Waited { due, why: dropship_job::WaitReason::UploadUrl, polled: false },
            Event::Resumed,
        ];
        // Another job ends and is pruned.
        let other = id(u32::try_from(round).expect("small") + 100);
        create_job(&store, &other, &format!("o{round}"));
        store
            .commit(Commit::of_job(&other, 2, vec![Event::Cancelled { by: "me".into() }]))
            .wait()
            .expect("ended");
        commit(
            &store,
            vec![
                Entry::Pruned { job: other },
                Entry::FileRemoved { folder: "in".into(), path: format!("/in/o{round}") },
            ],
        );
        if round % 10 == 0 {
            store.commit(Commit::of_job(&id(1), rev, events)).wait().expect("waited");
            rev += 2;
        }
    }
    let size: u64 = std::fs::read_dir(folder.path().join("journal"))
        .expect("journal")
        .map(|item| item.expect("a segment").metadata().expect("its size").len())
        .sum();
    assert!(size < 50_000, "the journal has {size} bytes");
    let events = |store: &DiskStore| {
        let history = store.history(&id(1)).expect("history").into_iter().map(|entry| entry.event.name());
        history.filter(|name| !["waited", "resumed"].contains(name)).collect::<Vec<_>>()
    };
    assert_eq!(events(&store), ["arrived", "accepted", "overdue"], "a history keeps all but the waits");
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("lost");
    let (store, _) = open_with(folder.path(), limits);
    assert_eq!(store.job(&id(1)).expect("read").map(|job| job.rev()), Some(rev));
    assert_eq!(store.job(&id(2)).expect("read"), None);
    assert_eq!(store.find("bb", Some("in")).expect("read"), Some(id(2)), "its bytes are still known");
    assert_eq!(store.find("o7", Some("in")).expect("read"), None);
    assert_eq!(store.settings("pause/").expect("flags").len(), 1);
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 1);
    assert_eq!(events(&store), ["arrived", "accepted", "overdue"]);
}

#[test]
fn line_of_a_newer_version_is_refused_and_not_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = open(folder.path());
    create_job(&store, &id(1), "aa");
    drop(store);
    let path = folder.path().join("journal/00000001.jsonl");
    let mut text = std::fs::read(&path).expect("the journal");
    let json = br#"{"v":4,"seq":99,"at":"2026-01-01T00:00:00Z","entries":[{"entry":"from_the_future"}]}"#;
    text.extend_from_slice(format!("{:016x} ", crate::journal::crc64(json)).as_bytes());
    text.extend_from_slice(json);
    text.push(b'\n');
    std::fs::write(&path, &text).expect("written");
    let error = DiskStore::open(folder.path()).map(|_| ()).expect_err("a newer version");
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert_eq!(std::fs::read(&path).expect("the journal"), text, "nothing is cut off");
}

#[test]
fn journal_of_an_older_version_is_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().expect("a folder");
    let json =
        br#"{"v":1,"seq":1,"at":"2026-01-01T00:00:00Z","entries":[{"entry":"flag","key":"a","value":"b"}]}"#;
    let mut text = format!("{:016x} ", crate::journal::crc64(json)).into_bytes();
    text.extend_from_slice(json);
    text.push(b'\n');
    let path = folder.path().join("journal/00000001.jsonl");
    std::fs::create_dir(folder.path().join("journal")).expect("created");
    std::fs::write(&path, &text).expect("written");
    let error = DiskStore::open(folder.path()).map(|_| ()).expect_err("an older form");
    assert!(matches!(error, StoreError::Older { .. }), "{error}");
    assert!(error.to_string().contains("line version 1") && error.to_string().contains("move"), "{error}");
    assert_eq!(std::fs::read(&path).expect("the journal"), text);
}
