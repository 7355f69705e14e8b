//! One node has the lease.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dropship_store::testing::{begin, id};
use dropship_store::{Commit, Entry, Leases, Role, SharedJournal as _, Store, StoreError, Taken};
use tokio::sync::watch;

use crate::server::{Database, database};

fn role(name: &str) -> Role {
    Role::Node { name: name.into(), standing_by: watch::channel(None).0 }
}

fn expire(database: &Database) {
    database.sql("UPDATE dropship.lease SET deadline = clock_timestamp() - interval '1 second'");
}

#[test]
fn node_whose_lease_ended_is_taken_over_and_appends_nothing() {
    let Some(database) = database() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, _) = database.open(folders[0].path(), role("one"), 128 << 20);
    begin(&one, &id(1), "aa");
    assert!(one.lease().is_some_and(|lease| lease.is_valid()));
    expire(&database);
    let (two, _) = database.open(folders[1].path(), role("two"), 128 << 20);
    assert_eq!(database.sql("SELECT name FROM dropship.lease"), "two");
    let refused = one.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(matches!(&refused, Err(StoreError::Stopped(why)) if why.contains("taken over")), "{refused:?}");
    begin(&two, &id(2), "bb");
    drop(one);
    begin(&two, &id(3), "cc");
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
                    incarnation: dropship_store::AppendId::random(),
                    version: "1".into(),
                };
                let leases = std::sync::Arc::clone(leases);
                threads.spawn(move || leases.take(&node, Duration::from_secs(30)).expect("an answer"))
            };
            let asking: Vec<_> = leases.iter().enumerate().map(ask).collect();
            let answers = asking.into_iter().map(|thread| thread.join().expect("it ends"));
            answers.filter(|answer| *answer == Taken::Granted).count()
        });
        assert_eq!(granted, 1);
    }
}

#[test]
fn process_of_the_same_folder_takes_over_at_once() {
    let Some(database) = database() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (first, _) = database.open(folder.path(), role("one"), 128 << 20);
    begin(&first, &id(1), "aa");
    let deadline = database.sql("SELECT deadline FROM dropship.lease");
    drop(first);
    // As after a kill: nothing was released.
    database.sql(&format!("UPDATE dropship.lease SET deadline = '{deadline}'"));
    let (second, _) = database.open(folder.path(), role("one"), 128 << 20);
    assert_eq!(second.job(&id(1)).expect("read").map(|job| job.rev()), Some(2));
    let other = tempfile::tempdir().expect("folder");
    let command = Role::Command { name: "two".into() };
    let (reading, _) = database.open(other.path(), command, 128 << 20);
    let refused = reading.commit(Commit::new(vec![Entry::Pruned { job: id(1) }])).wait();
    assert!(
        matches!(&refused, Err(StoreError::Superseded { what }) if what.contains("`one`")),
        "{refused:?}"
    );
    let cancelled = AtomicBool::new(true);
    let standing_by = dropship_store::SharedStore::open_shared(
        tempfile::tempdir().expect("folder").path(),
        Box::new(database.journal()),
        role("three"),
        std::sync::Arc::new(dropship_store::Unwatched),
        &cancelled,
    );
    assert!(matches!(standing_by, Err(StoreError::Cancelled)));
}
