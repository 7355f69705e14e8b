//! Nodes of a fleet: one of them is active, the others stand by. Commands read beside them.

use super::shared::catch_up;
use super::*;

/// A node that is active or stands by.
fn fleet_node(folder: &Path, journal: &MemoryJournal) -> SharedStore {
    let never = AtomicBool::new(false);
    let role = Role::Node { name: folder.display().to_string(), folders: vec!["in".into()] };
    SharedStore::open_shared(folder, Box::new(journal.clone()), role, Arc::new(Unwatched), &never)
        .expect("the node opens its store")
        .0
}

fn take_over(store: &SharedStore) {
    let (standing_by, _) = tokio::sync::watch::channel(None);
    store.take_lease(&standing_by, &AtomicBool::new(false)).expect("it takes over");
}

fn active(folder: &Path, journal: &MemoryJournal) -> SharedStore {
    let store = fleet_node(folder, journal);
    take_over(&store);
    store
}

#[test]
fn commit_without_entries_is_no_takeover() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, two) = (active(folders[0].path(), &journal), fleet_node(folders[1].path(), &journal));
    two.commit(Commit::new(Vec::new())).wait().expect("nothing to commit");
    create_job(&one, &id(1), "aa");
    assert_eq!(*one.stopped().borrow(), None);
}

#[test]
fn node_that_was_taken_over_commits_nothing_and_sends_nothing() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let one = active(folders[0].path(), &journal);
    create_job(&one, &id(1), "aa");
    let lease = one.lease().expect("it has the lease");
    assert!(lease.is_valid());
    // It is frozen for longer than its lease.
    journal.end_term();
    let two = active(folders[1].path(), &journal);
    let refused = one.commit(Commit::of_job(&id(1), 2, vec![Event::Cancelled { by: "me".into() }])).wait();
    assert!(matches!(&refused, Err(StoreError::Stopped(why)) if why.contains("taken over")), "{refused:?}");
    assert_eq!(two.job(&id(1)).expect("read").map(|job| job.rev()), Some(2));
    create_job(&two, &id(2), "bb");
    drop(one);
    assert!(!lease.is_valid());
    assert!(two.lease().is_some_and(|lease| lease.is_valid()), "the lease of the other is not released");
    create_job(&two, &id(3), "cc");
}

#[test]
fn node_stands_by_until_the_active_one_ends_and_commands_only_read() {
    let journal = MemoryJournal::default();
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("folder"));
    let one = active(folders[0].path(), &journal);
    create_job(&one, &id(1), "aa");
    let open = |folder: &Path, role, cancelled: &AtomicBool| {
        SharedStore::open_shared(folder, Box::new(journal.clone()), role, Arc::new(Unwatched), cancelled)
    };
    let command = || Role::Command { name: "c".into() };
    let (reading, _) = open(folders[2].path(), command(), &AtomicBool::new(false)).expect("opened");
    assert_eq!(reading.jobs(&Filter::default()).expect("jobs").len(), 1);
    let refused = reading.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(matches!(&refused, Err(StoreError::Superseded { .. })), "{refused:?}");
    drop(reading);
    let (standing_by, mut waits_for) = tokio::sync::watch::channel(None);
    let two = fleet_node(folders[1].path(), &journal);
    std::thread::scope(|threads| {
        let (two, never) = (&two, AtomicBool::new(false));
        let waiting = threads.spawn(move || two.take_lease(&standing_by, &never).expect("it takes over"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let name = runtime.block_on(waits_for.wait_for(Option::is_some)).expect("it waits").clone();
        assert_eq!(name, Some(folders[0].path().display().to_string()));
        create_job(&one, &id(2), "bb");
        drop(one);
        waiting.join().expect("it has the lease");
        assert_eq!(two.jobs(&Filter::default()).expect("jobs").len(), 2);
        create_job(two, &id(3), "cc");
    });
    drop(two);
    let (alone, _) = open(folders[2].path(), command(), &AtomicBool::new(false)).expect("opened");
    create_job(&alone, &id(4), "dd");
}

#[test]
fn operator_at_a_node_that_stands_by_changes_the_jobs_of_the_active_one() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, two) = (active(folders[0].path(), &journal), fleet_node(folders[1].path(), &journal));
    let mut followed = one.follow();
    create_job(&one, &id(1), "aa");
    catch_up(&two);
    let cancelled = vec![Event::Cancelled { by: "me".into() }];
    let jobs = two.commit(Commit::of_job(&id(1), 2, cancelled.clone())).wait().expect("cancelled");
    assert_eq!(jobs[0].rev(), 3);
    // The active node has to read that before it can commit anything.
    let late = one.commit(Commit::of_job(&id(1), 2, vec![Event::Resumed])).wait();
    assert!(matches!(&late, Err(StoreError::Conflict { have: 3, .. })), "{late:?}");
    create_job(&one, &id(2), "bb");
    let mut entries = Vec::new();
    while let Ok(more) = followed.try_recv() {
        entries.extend(more);
    }
    assert_eq!(entries.pop(), Some(Entry::Job { job: id(1), rev: 2, events: cancelled }), "and not its own");
    // A node that takes over is recognised.
    journal.end_term();
    take_over(&two);
    let refused = one.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(matches!(&refused, Err(StoreError::Stopped(why)) if why.contains("taken over")), "{refused:?}");
    create_job(&two, &id(3), "cc");
}

#[test]
fn nodes_of_a_fleet_are_listed_with_their_states() {
    let journal = MemoryJournal::default();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, two) = (active(folders[0].path(), &journal), fleet_node(folders[1].path(), &journal));
    let state = |store: &SharedStore, folder: &tempfile::TempDir| {
        let name = folder.path().display().to_string();
        let nodes = store.nodes();
        let node = nodes.iter().find(|node| node.name == name).expect("it is listed");
        assert_eq!(node.folders, ["in"]);
        node.state
    };
    assert_eq!(state(&two, &folders[0]), NodeState::Active);
    assert_eq!(state(&one, &folders[1]), NodeState::StandingBy);
    drop(one);
    assert_eq!(state(&two, &folders[0]), NodeState::Ended);
    take_over(&two);
    assert_eq!(state(&two, &folders[1]), NodeState::Active);
}
