//! Nodes with one journal. Their connections lose calls and answers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use dropship_job::Package;

fn node(folder: &Path, journal: &MemoryJournal) -> (SharedStore, OpenReport) {
    node_with(folder, journal, 128 << 20)
}

fn node_with(folder: &Path, journal: &MemoryJournal, min_size: u64) -> (SharedStore, OpenReport) {
    let (journal, cancelled) = (Box::new(journal.clone()), AtomicBool::new(false));
    SharedStore::open_with_limit(folder, journal, Role::Peer, min_size, Arc::new(Unwatched), &cancelled)
        .expect("the node opens its store")
}

/// Waits until a node has everything that is committed: a commit is answered after what came before it.
pub(super) fn catch_up(store: &dyn Store) {
    commit(store, vec![Entry::Setting { key: "here".into(), value: Some("yes".into()) }]);
}

#[test]
fn node_passes_the_suite_and_another_has_its_tables() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, report) = node(folders[0].path(), &journal);
    assert!(report.is_new, "{report:?}");
    suite(&one);
    let (two, report) = node(folders[1].path(), &journal);
    assert!(!report.is_new && report.replayed == journal.len() as u64, "{report:?}");
    assert_eq!(all_answers(&two, 3), all_answers(&one, 3));
    assert_eq!(two.history(&id(2)).expect("history"), one.history(&id(2)).expect("history"));
    assert_eq!(two.check().expect("checked"), []);
    let exported = |store: &dyn Store| {
        let mut entries = 0;
        let mut count = |_| {
            entries += 1;
            Ok(())
        };
        store.export(&mut count).expect("exported");
        entries
    };
    assert!(exported(&two) > 2 && exported(&two) == exported(&one));
    drop(one);
    let (one, report) = node(folders[0].path(), &journal);
    assert_eq!(report, OpenReport::default(), "its tables are still there");
    assert_eq!(all_answers(&one, 3), all_answers(&two, 3));
}

#[test]
fn second_of_two_nodes_that_change_a_job_is_refused() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let stores = [node(folders[0].path(), &journal).0, node(folders[1].path(), &journal).0];
    create_job(&stores[0], &id(1), "aa");
    catch_up(&stores[1]);
    let cancel = || Commit::of_job(&id(1), 2, vec![Event::Cancelled { by: "me".into() }]);
    let answers = [stores[0].commit(cancel()), stores[1].commit(cancel())].map(CommitHandle::wait);
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused =
        answers.iter().filter(|answer| matches!(answer, Err(StoreError::Conflict { have: 3, .. }))).count();
    assert_eq!((done, refused), (1, 1), "{answers:?}");
    stores.iter().for_each(|store| catch_up(store));
    assert_eq!(all_answers(&stores[0], 2), all_answers(&stores[1], 2));
    assert_eq!(stores[0].history(&id(1)).expect("history").len(), 3);
}

#[test]
fn commit_whose_answer_is_lost_happens_once() {
    let journal = MemoryJournal::default();
    let appends = AtomicUsize::new(0);
    let faults = move |call| match (call, appends.load(Ordering::Relaxed)) {
        (JournalCall::Append, number) => {
            appends.store(number + 1, Ordering::Relaxed);
            [CallFault::AnswerLost, CallFault::Lost, CallFault::None][number % 3]
        }
        _ => CallFault::None,
    };
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = node(folder.path(), &journal.with_faults(faults));
    let away = store.watch_away();
    commit(&store, vec![Entry::InspectionStarted { sha256: "aa".into() }]);
    assert_eq!(journal.len(), 1);
    commit(&store, vec![Entry::InspectionStarted { sha256: "aa".into() }]);
    assert_eq!((journal.len(), store.crashed_inspections("aa").expect("read")), (2, 2));
    assert_eq!(*away.borrow(), None, "the database responds again");
}

#[test]
fn unreachable_journal_acknowledges_nothing_and_answers_queries() {
    let journal = MemoryJournal::default();
    let unreachable = Arc::new(AtomicBool::new(false));
    let is_unreachable = Arc::clone(&unreachable);
    let faults =
        move |_| if is_unreachable.load(Ordering::Relaxed) { CallFault::Lost } else { CallFault::None };
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = node(folder.path(), &journal.with_faults(faults));
    create_job(&store, &id(1), "aa");
    unreachable.store(true, Ordering::Relaxed);
    let waiting = store.commit(Commit::of_job(&id(1), 2, vec![Event::Cancelled { by: "me".into() }]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut away = store.watch_away();
    runtime.block_on(away.wait_for(Option::is_some)).expect("it is noticed");
    assert_eq!(store.job(&id(1)).expect("read").map(|job| job.rev()), Some(2), "not acknowledged");
    assert!(matches!(store.history(&id(1)), Err(StoreError::Away { .. })));
    unreachable.store(false, Ordering::Relaxed);
    assert_eq!(waiting.wait().expect("committed")[0].rev(), 3);
    // A store that closes does not wait.
    unreachable.store(true, Ordering::Relaxed);
    let lost = store.commit(Commit::new(vec![Entry::Setting { key: "a".into(), value: None }]));
    drop(store);
    assert!(matches!(lost.wait(), Err(StoreError::Stopped(_))));
}

#[test]
fn node_whose_lines_the_database_has_lost_stops_and_then_rebuilds_its_tables() {
    let journal = MemoryJournal::default();
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = node(folder.path(), &journal);
    create_job(&store, &id(1), "aa");
    create_job(&store, &id(2), "bb");
    journal.lose_last(1);
    // As long as before, but with other content.
    let other = tempfile::tempdir().expect("folder");
    create_job(&node(other.path(), &journal).0, &id(3), "cc");
    let refused = store.commit(Commit::of_job(&id(1), 2, vec![Event::Cancelled { by: "me".into() }])).wait();
    assert!(matches!(refused, Err(StoreError::Stopped(_))), "{refused:?}");
    drop(store);
    let (store, _) = node(folder.path(), &journal);
    let ids = |store: &dyn Store| -> Vec<JobId> {
        store.jobs(&Filter::default()).expect("jobs").iter().map(|job| job.id().clone()).collect()
    };
    assert_eq!(ids(&store), [id(3), id(1)]);
    create_job(&store, &id(4), "dd");
    drop(store);
    journal.lose_last(1);
    let (store, report) = node(folder.path(), &journal);
    assert!(report.discarded.is_some_and(|why| why.contains("lost lines")));
    assert_eq!(ids(&store), [id(3), id(1)]);
}

#[test]
fn tables_of_another_journal_and_damaged_ones_are_built_again() {
    let folder = tempfile::tempdir().expect("folder");
    create_job(&node(folder.path(), &MemoryJournal::default()).0, &id(1), "aa");
    let journal = MemoryJournal::default();
    let (store, report) = node(folder.path(), &journal);
    assert!(report.discarded.is_some_and(|why| why.contains("another journal")));
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 0);
    create_job(&store, &id(2), "bb");
    drop(store);
    let path = folder.path().join("node/sled/db");
    let mut bytes = std::fs::read(&path).expect("database");
    bytes.iter_mut().skip(16).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&path, &bytes).expect("damage");
    let (store, report) = node(folder.path(), &journal);
    assert!(report.discarded.is_some(), "{report:?}");
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 1);
}

#[test]
fn journal_stays_bounded_and_a_new_node_has_everything() {
    let journal = MemoryJournal::default();
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = node_with(folder.path(), &journal, 3_000);
    create_job(&store, &id(1), "aa");
    let (mut rev, mut largest) = (2, 0);
    for round in 0..600 {
        let due = Timestamp::from_second(1_790_000_000 + round).expect("time");
        let why = dropship_job::WaitReason::UploadUrl;
        let events = vec![Event::Waited { due, why, polled: false }, Event::Resumed];
        store.commit(Commit::of_job(&id(1), rev, events)).wait().expect("waited");
        rev += 2;
        let other = id(u32::try_from(round).expect("small") + 100);
        create_job(&store, &other, &format!("o{round}"));
        let cancelled = Event::Cancelled { by: "me".into() };
        store.commit(Commit::of_job(&other, 2, vec![cancelled])).wait().expect("ended");
        let removed = Entry::FileRemoved { folder: "in".into(), path: format!("/in/o{round}") };
        commit(&store, vec![Entry::Pruned { job: other }, removed]);
        let (size, counted) = journal.sizes();
        assert_eq!(size, counted);
        largest = largest.max(size);
    }
    assert!(largest < 30_000, "the journal had {largest} bytes");
    let names = |store: &dyn Store| -> Vec<_> {
        store.history(&id(1)).expect("history").into_iter().map(|entry| entry.event.name()).collect()
    };
    let kept = |names: Vec<&'static str>| -> Vec<_> {
        names.into_iter().filter(|name| !["waited", "resumed"].contains(name)).collect()
    };
    assert_eq!(kept(names(&store)), ["arrived", "accepted"], "a history keeps all but the waits");
    assert_eq!(store.check().expect("checked"), []);
    let late = tempfile::tempdir().expect("folder");
    let (late, _) = node(late.path(), &journal);
    assert_eq!(late.job(&id(1)).expect("read").map(|job| job.rev()), Some(rev));
    assert_eq!(late.jobs(&Filter::default()).expect("jobs").len(), 1);
    assert_eq!(late.known_files("in").expect("read").len(), 1);
    drop(store);
    let (_, report) = node(folder.path(), &journal);
    assert_eq!(report.discarded, None, "the tables of the node that compacts follow from the journal");
}

#[test]
fn bytes_that_two_nodes_accept_at_once_become_one_job() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let stores = [node(folders[0].path(), &journal).0, node(folders[1].path(), &journal).0];
    for round in 0..20 {
        let bytes = format!("{round:064}");
        let arrived = |number: u32| {
            let package = Package {
                name: "p.cab".into(),
                path: None,
                folder: Some("in".into()),
                sha256: bytes.clone(),
                size: 1,
                outbox: "/out/p".into(),
            };
            Commit::of_job(&id(number), 0, vec![Event::Arrived { package }]).if_unknown(&bytes, Some("in"))
        };
        let handles = [0, 1].map(|place| stores[place].commit(arrived(round * 2 + place as u32)));
        let results = handles.map(CommitHandle::wait);
        let refused = |result: &&Result<_, _>| matches!(result, Err(StoreError::Conflict { .. }));
        assert_eq!(results.iter().filter(refused).count(), 1, "{results:?}");
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        // The same bytes in another folder are another package.
        let other = stores[0].commit(Commit::new(vec![setting(round)]).if_unknown(&bytes, Some("other")));
        other.wait().expect("committed");
    }
    stores.iter().for_each(|store| catch_up(store));
    assert_eq!(stores[0].jobs(&Filter::default()).expect("jobs").len(), 20);
    assert_eq!(all_answers(&stores[0], 3), all_answers(&stores[1], 3));
}

fn setting(round: u32) -> Entry {
    Entry::Setting { key: format!("round/{round}"), value: Some("yes".into()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nodes_agree_after_any_history_with_lost_calls(
        history in proptest::collection::vec((any::<u8>(), 0u32..9, 0usize..3), 60..160),
        faults in proptest::collection::vec(0u8..12, 50),
    ) {
        let journal = MemoryJournal::default();
        let faulty = |start: usize| {
            let (faults, mut at) = (faults.clone(), start);
            journal.with_faults(move |call| {
                at += 1;
                match (call, faults[at % faults.len()]) {
                    (JournalCall::Append, 0) => CallFault::AnswerLost,
                    (JournalCall::Append, 1) => CallFault::Lost,
                    _ => CallFault::None,
                }
            })
        };
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("folder"));
        let open = |place: usize| node(folders[place].path(), &faulty(place * 17)).0;
        let mut stores = [open(0), open(1), open(2)];
        let mut pruned = BTreeSet::new();
        for (count, (what, at, place)) in history.iter().enumerate() {
            catch_up(&stores[*place]);
            commit_random(&stores[*place], *what, *at, &mut pruned);
            if count % 50 == 49 {
                // A node that starts again, one of them without its tables.
                let again = count / 50 % 3;
                let [one, two, three] = stores;
                drop((one, two, three));
                if again == 1 {
                    std::fs::remove_dir_all(folders[again].path().join("node")).expect("lost");
                }
                stores = [open(0), open(1), open(2)];
            }
        }
        stores.iter().for_each(|store| catch_up(store));
        let expected = all_answers(&stores[0], 9);
        for store in &stores[1..] {
            let difference = differences(&all_answers(store, 9), &expected);
            prop_assert!(difference.is_empty(), "{:?}", difference);
        }
        let late = tempfile::tempdir().expect("folder");
        let difference = differences(&all_answers(&node(late.path(), &journal).0, 9), &expected);
        prop_assert!(difference.is_empty(), "a new node: {:?}", difference);
    }
}
