//! One node has the lease.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dropship_store::testing::{create_job, id};
use dropship_store::{
    Commit, Entry, LeaseAnswer, Leases, NodeState, Role, SharedJournal as _, Store, StoreError,
};
use tokio::sync::watch;

use crate::server::{Database, database};

fn expire(database: &Database) {
    database.sql("UPDATE dropship.lease SET deadline = clock_timestamp() - interval '1 second'");
}

#[test]
fn node_whose_lease_ended_is_taken_over_and_appends_nothing() {
    let Some(database) = database() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let one = database.active(folders[0].path(), "one");
    create_job(&one, &id(1), "aa");
    assert!(one.lease().is_some_and(|lease| lease.is_valid()));
    expire(&database);
    let two = database.active(folders[1].path(), "two");
    assert_eq!(database.sql("SELECT name FROM dropship.lease"), "two");
    let refused = one.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(matches!(&refused, Err(StoreError::Stopped(why)) if why.contains("taken over")), "{refused:?}");
    create_job(&two, &id(2), "bb");
    drop(one);
    create_job(&two, &id(3), "cc");
    drop(two);
    assert_eq!(database.sql("SELECT deadline IS NULL FROM dropship.lease"), "t", "it is released");
}

#[test]
fn of_many_nodes_that_ask_at_once_one_has_the_lease() {
    let Some(database) = database() else { return };
    let leases: Vec<_> = (0..8).map(|_| database.journal().leases()).collect();
    for _ in 0..5 {
        expire(&database);
        let granted = std::thread::scope(|threads| {
            let ask = |(number, leases): (usize, &std::sync::Arc<dyn Leases>)| {
                let node = dropship_store::Node {
                    name: format!("n{number}"),
                    place: format!("p{number}"),
                    host: String::new(),
                    incarnation: dropship_store::AppendId::random(),
                    version: "1".into(),
                };
                let leases = std::sync::Arc::clone(leases);
                threads.spawn(move || leases.take(&node, Duration::from_secs(30)).expect("an answer"))
            };
            let asking: Vec<_> = leases.iter().enumerate().map(ask).collect();
            let answers = asking.into_iter().map(|thread| thread.join().expect("it ends"));
            answers.filter(|answer| *answer == LeaseAnswer::Granted).count()
        });
        assert_eq!(granted, 1);
    }
}

#[test]
fn process_of_the_same_folder_takes_over_at_once() {
    let Some(database) = database() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let first = database.active(folder.path(), "one");
    create_job(&first, &id(1), "aa");
    let deadline = database.sql("SELECT deadline FROM dropship.lease");
    drop(first);
    // As after a kill: nothing was released.
    database.sql(&format!("UPDATE dropship.lease SET deadline = '{deadline}'"));
    let second = database.active(folder.path(), "one");
    assert_eq!(second.job(&id(1)).expect("read").map(|job| job.rev()), Some(2));
    let other = tempfile::tempdir().expect("folder");
    let command = Role::Command { name: "two".into() };
    let (reading, _) = database.open(other.path(), command, 128 << 20);
    let refused = reading.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(
        matches!(&refused, Err(StoreError::Superseded { what }) if what.contains("`one`")),
        "{refused:?}"
    );
    let third = tempfile::tempdir().expect("folder");
    let role = Role::Node { name: "three".into(), folders: Vec::new() };
    let (third, _) = database.open(third.path(), role, 128 << 20);
    let refused = third.take_lease(&watch::channel(None).0, &AtomicBool::new(true));
    assert!(matches!(refused, Err(StoreError::Cancelled)), "{refused:?}");
}

#[test]
fn of_two_places_with_one_name_the_later_one_has_a_namesake() {
    let Some(database) = database() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let open = |name: &str, folder: &tempfile::TempDir| {
        let role = Role::Node { name: name.into(), folders: Vec::new() };
        database.open(folder.path(), role, 128 << 20).0
    };
    let first = open("one", &folders[0]);
    let second = open("one", &folders[1]);
    let place = database.sql("SELECT place FROM dropship.nodes ORDER BY since LIMIT 1");
    let found = second.namesake().expect("an answer").expect("a namesake");
    assert_eq!(found.place, place);
    assert_eq!(found.host, std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name").trim());
    assert!(found.is_on_machine_of(second.node().expect("a node")) && place.ends_with(found.boot()));
    assert_eq!(first.namesake().expect("an answer"), None, "it was first");
    // A process that could not report itself yet.
    database.sql("DELETE FROM dropship.nodes WHERE since = (SELECT max(since) FROM dropship.nodes)");
    assert!(second.namesake().expect("an answer").is_some());
    // Silence, an end and another process of the same folder.
    database.sql("UPDATE dropship.nodes SET seen = seen - interval '31 seconds'");
    assert_eq!(second.namesake().expect("an answer"), None);
    database.sql("UPDATE dropship.nodes SET seen = clock_timestamp(), ended = true");
    assert_eq!(second.namesake().expect("an answer"), None);
    drop(second);
    drop(first);
    database.sql("UPDATE dropship.nodes SET seen = clock_timestamp(), ended = false");
    assert_eq!(open("two", &folders[1]).namesake().expect("an answer"), None, "another name");
    database.sql("DELETE FROM dropship.nodes WHERE name = 'two'");
    assert_eq!(open("one", &folders[0]).namesake().expect("an answer"), None, "the same place");
}

#[test]
fn nodes_of_a_fleet_are_listed_with_their_states() {
    let Some(database) = database() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let open = |name: &str, folder: &tempfile::TempDir| {
        let role = Role::Node { name: name.into(), folders: vec!["in".into()] };
        database.open(folder.path(), role, 128 << 20).0
    };
    let started = jiff::Timestamp::now();
    let one = database.active(folders[0].path(), "one");
    let two = open("two", &folders[1]);
    let states = |store: &dyn Store| -> Vec<_> {
        store.nodes().into_iter().map(|node| (node.name, node.state, node.lease_until.is_some())).collect()
    };
    let named = |name: &str, state, has_lease| (name.to_owned(), state, has_lease);
    let (active, standing_by) =
        (named("one", NodeState::Active, true), named("two", NodeState::StandingBy, false));
    assert_eq!(states(&two), [active.clone(), standing_by.clone()]);
    let found = one.nodes().remove(0);
    assert_eq!(found.folders, ["in", "out"]);
    assert_eq!(found.version, env!("CARGO_PKG_VERSION"));
    // Database and test have the same clock. A time in another zone or unit is not in this span.
    let span = started..=jiff::Timestamp::now();
    assert!(span.contains(&found.last_seen), "{:?} is not in {span:?}", found.last_seen);
    drop(two);
    assert_eq!(states(&one), [active.clone(), named("two", NodeState::Ended, false)]);
    let two = open("two", &folders[1]);
    assert_eq!(states(&one), [active, standing_by]);
    database.sql("UPDATE dropship.nodes SET seen = seen - interval '1 minute'");
    expire(&database);
    let lost = |name: &str| named(name, NodeState::Lost, false);
    assert_eq!(states(&two), [lost("one"), lost("two")]);
}
