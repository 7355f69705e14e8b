//! One suite for both stores, and tests of the store on disk.

mod ladder;
mod published;
mod rebuilt;

use std::path::Path;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use crate::heartbeat::Unwatched;
use crate::journal::Limits;
use crate::*;
use dropship_job::{ErrorKind, Event, Fault, Job, JobId, Package, RemoteId, RemoteKind, StateKind};

fn id(chance: u32) -> JobId {
    JobId::new(1_790_000_000_000 + u64::from(chance), chance)
}

fn arrived(sha256: &str, folder: Option<&str>) -> Event {
    Event::Arrived {
        package: Package {
            name: "a.cab".into(),
            path: None,
            folder: folder.map(str::to_owned),
            sha256: sha256.into(),
            size: 1,
            outbox: "/o".into(),
        },
    }
}

fn accepted() -> Event {
    Event::Accepted {
        rule: "r".into(),
        account: "default".into(),
        plan: "p".into(),
        content: None,
        labels: vec![],
        warnings: vec![],
        vars: std::collections::BTreeMap::new(),
    }
}

fn commit(store: &dyn Store, entries: Vec<Entry>) -> Vec<Job> {
    store.commit(Commit::new(entries)).wait().expect("committed")
}

fn begin(store: &dyn Store, id: &JobId, sha256: &str) {
    let events = vec![arrived(sha256, Some("in")), accepted()];
    let seen = Entry::KnownFile {
        folder: "in".into(),
        path: format!("/in/{sha256}"),
        identity: "i1".into(),
        sha256: sha256.into(),
        job: id.clone(),
    };
    commit(store, vec![Entry::Job { job: id.clone(), rev: 0, events }, seen]);
}

/// The behaviour of every store.
fn suite(store: &dyn Store) {
    begin(store, &id(1), "aa");
    begin(store, &id(2), "bb");
    let job = store.job(&id(1)).expect("read").expect("there");
    assert_eq!((job.rev(), job.step().as_str()), (2, "product"));
    assert_eq!(store.find("aa", Some("in")).expect("read"), Some(id(1)));
    assert_eq!(store.find("aa", None).expect("read"), None);
    assert_eq!(store.find_everywhere("bb").expect("read"), [id(2)]);
    assert_eq!(store.known_file("in", "/in/aa").expect("read").map(|seen| seen.job), Some(id(1)));

    assert!(
        store.has_file_with_digest("in", "aa").expect("read")
            && !store.has_file_with_digest("out", "aa").expect("read")
    );

    // An illegal event, or one for an outdated job, changes nothing; nor do the other entries of its commit.
    let flag = Entry::Setting { key: "k".into(), value: Some("v".into()) };
    let illegal = Entry::Job { job: id(1), rev: 2, events: vec![Event::Committed] };
    let refused = store.commit(Commit::new(vec![flag.clone(), illegal])).wait();
    assert!(matches!(refused, Err(StoreError::Illegal(_))), "{refused:?}");
    let stale = store.commit(Commit::of_job(&id(1), 1, vec![Event::Resumed])).wait();
    assert!(matches!(stale, Err(StoreError::Conflict { have: 2, expected: 1, .. })), "{stale:?}");
    assert_eq!(store.settings("").expect("read"), []);

    commit(store, vec![flag, Entry::Setting { key: "pause/a".into(), value: Some("1".into()) }]);
    assert_eq!(store.settings("pause/").expect("read"), [("pause/a".to_owned(), "1".to_owned())]);
    for count in 1..=2 {
        commit(store, vec![Entry::InspectionStarted { sha256: "cc".into() }]);
        assert_eq!(store.crashed_inspections("cc").expect("read"), count);
    }
    commit(store, vec![Entry::InspectionEnded { sha256: "cc".into() }]);
    assert_eq!(store.crashed_inspections("cc").expect("read"), 0);

    // Listing: newest first, by state, in pages.
    let fault = Fault::new(ErrorKind::Internal, "y");
    store.commit(Commit::of_job(&id(1), 2, vec![Event::Failed { fault }])).wait().expect("failed");
    let ids = |filter: Filter| -> Vec<JobId> {
        store.jobs(&filter).expect("list").into_iter().map(|job| job.id().clone()).collect()
    };
    assert_eq!(ids(Filter::default()), [id(2), id(1)]);
    assert_eq!(ids(Filter { state: Some(StateKind::Failed), ..Filter::default() }), [id(1)]);
    assert_eq!(ids(Filter { limit: 1, ..Filter::default() }), [id(2)]);
    assert_eq!(ids(Filter { before: Some(id(2)), ..Filter::default() }), [id(1)]);
    assert_eq!(store.open_jobs().expect("open").len(), 1);
    let counts = store.counts().expect("counts");
    assert!(
        counts.contains(&(StateKind::Failed, 1)) && counts.contains(&(StateKind::Queued, 1)),
        "{counts:?}"
    );

    // The bytes of a pruned job stay known while they are in their folder.
    commit(store, vec![Entry::Pruned { job: id(1) }]);
    assert_eq!(store.job(&id(1)).expect("read"), None);
    assert_eq!(store.find("aa", Some("in")).expect("read"), Some(id(1)));
    commit(store, vec![Entry::FileRemoved { folder: "in".into(), path: "/in/aa".into() }]);
    assert_eq!(store.find("aa", Some("in")).expect("read"), None);
    assert!(!store.has_file_with_digest("in", "aa").expect("read"));
    assert_eq!(store.find("bb", Some("in")).expect("read"), Some(id(2)));

    let history = store.history(&id(2)).expect("history");
    assert_eq!(history.iter().map(|entry| entry.event.name()).collect::<Vec<_>>(), ["arrived", "accepted"]);
}

fn open(folder: &Path) -> (DiskStore, OpenReport) {
    DiskStore::open(folder).expect("the store opens")
}

fn open_with(folder: &Path, limits: Limits) -> (DiskStore, OpenReport) {
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
    begin(&store, &id(1), "aa");
    begin(&store, &id(2), "bb");
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
    begin(&store, &id(1), "aa");
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
    begin(&store, &id(1), "aa");
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
    let limits = Limits { segment: 8_000, segments: 3 };
    let (store, _) = open_with(folder.path(), limits);
    begin(&store, &id(1), "aa");
    begin(&store, &id(2), "bb");
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
        begin(&store, &other, &format!("o{round}"));
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
    begin(&store, &id(1), "aa");
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
