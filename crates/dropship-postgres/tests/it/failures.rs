//! Lost connections and restarts in the middle of commits.

use std::sync::mpsc;

use dropship_store::testing::create_job;
use dropship_store::testing::id;
use dropship_store::{Commit, Entry, Store, StoreError};

use crate::server::{Database, database, database_of_its_own};

/// Commits of two nodes while `trouble` happens again and again. Each commit counts, so a lost or a doubled one shows.
fn count_under(database: &Database, rounds: usize, trouble: impl Fn() + Send) {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let nodes = [database.node(folders[0].path()).0, database.node(folders[1].path()).0];
    let (acknowledged, commits) = mpsc::channel();
    std::thread::scope(|threads| {
        for sender in 0..8 {
            let (node, acknowledged) = (&nodes[sender % 2], acknowledged.clone());
            threads.spawn(move || {
                for _ in 0..rounds {
                    let entry = Entry::InspectionStarted { sha256: "aa".into() };
                    node.commit(Commit::new(vec![entry])).wait().expect("committed in the end");
                    acknowledged.send(()).expect("the thread that makes trouble ends last");
                }
            });
        }
        drop(acknowledged);
        // Each trouble waits for some commits, and meets those that follow. So a slow machine makes progress, too.
        threads.spawn(move || {
            while commits.iter().take(8).count() == 8 {
                trouble();
                commits.try_iter().for_each(drop);
            }
        });
    });
    let expected = 8 * rounds as u64;
    let late = tempfile::tempdir().expect("folder");
    let (late, _) = database.node(late.path());
    assert_eq!(late.crashed_inspections("aa").expect("read"), expected);
}

#[test]
fn commits_survive_cut_connections_once() {
    let Some(database) = database() else { return };
    count_under(&database, 60, || database.cut_connections());
}

#[test]
fn commits_wait_for_a_database_that_restarts() {
    let Some(database) = database_of_its_own() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = database.node(folder.path());
    create_job(&store, &id(1), "aa");
    database.server.stop("QUIT");
    let waiting = store.commit(Commit::new(vec![Entry::InspectionStarted { sha256: "aa".into() }]));
    let mut away = store.watch_away();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(away.wait_for(Option::is_some)).expect("it is noticed");
    assert_eq!(store.job(&id(1)).expect("read").map(|job| job.rev()), Some(2), "queries are answered");
    assert!(matches!(store.history(&id(1)), Err(StoreError::Away { .. })));
    assert_eq!(store.crashed_inspections("aa").expect("read"), 0, "not acknowledged");
    database.server.run();
    waiting.wait().expect("committed");
    assert_eq!(store.crashed_inspections("aa").expect("read"), 1);
    assert_eq!(store.history(&id(1)).expect("history").len(), 2);
}
