//! Nodes on one database have the same tables.

use std::collections::BTreeSet;

use dropship_store::testing::{all_answers, commit, commit_random, differences, id, suite};
use dropship_store::{Entry, OpenReport, Role, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::server::database;

/// Waits until a node has everything that is committed: a commit is answered after what came before it.
fn catch_up(store: &dyn Store) {
    commit(store, vec![Entry::Setting { key: "here".into(), value: Some("yes".into()) }]);
}

#[test]
fn node_passes_the_suite_and_another_has_its_tables() {
    let Some(database) = database() else { return };
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("folder"));
    let (one, report) = database.node(folders[0].path());
    assert!(report.is_new, "{report:?}");
    suite(&one);
    let (two, report) = database.node(folders[1].path());
    assert!(!report.is_new && report.replayed > 5, "{report:?}");
    assert_eq!(all_answers(&two, 3), all_answers(&one, 3));
    assert_eq!(two.history(&id(2)).expect("history"), one.history(&id(2)).expect("history"));
    assert_eq!(two.check().expect("checked"), []);
    // A commit of one reaches the other without a commit of its own.
    commit(&one, vec![Entry::Setting { key: "news".into(), value: Some("yes".into()) }]);
    while two.settings("news").expect("read").is_empty() {
        std::thread::yield_now();
    }
    drop(one);
    let (_, report) = database.node(folders[0].path());
    assert_eq!(report, OpenReport::default(), "its tables are still there");
}

#[test]
fn compacted_journal_is_small_and_a_new_node_has_everything() {
    let Some(database) = database() else { return };
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = database.open(folder.path(), Role::Peer, 3_000);
    let mut pruned = BTreeSet::new();
    for round in 0..400u32 {
        commit_random(&store, (round * 7 % 251) as u8, round % 9, &mut pruned);
    }
    let counted = "SELECT size, (SELECT sum(octet_length(line)) FROM dropship.lines) FROM dropship.head";
    let sizes = database.sql(counted);
    let (size, sum) = sizes.split_once('|').expect("two values");
    assert_eq!(size, sum);
    assert!(size.parse::<u64>().expect("a size") < 40_000, "the journal has {size} bytes");
    assert_ne!(database.sql("SELECT compacted FROM dropship.head"), "0");
    let late = tempfile::tempdir().expect("folder");
    let (late, _) = database.node(late.path());
    let difference = differences(&all_answers(&late, 9), &all_answers(&store, 9));
    assert!(difference.is_empty(), "{difference:?}");
    assert_eq!(late.check().expect("checked"), []);
}

#[test]
fn nodes_agree_after_any_history() {
    let Some(database) = database() else { return };
    let mut runner = TestRunner::new(Config { cases: 2, failure_persistence: None, ..Config::default() });
    let histories = proptest::collection::vec((any::<u8>(), 0u32..9, 0usize..3), 40..90);
    let agree = |history: Vec<(u8, u32, usize)>| {
        database.sql("DROP SCHEMA IF EXISTS dropship CASCADE");
        let folders = [(); 3].map(|()| tempfile::tempdir().expect("folder"));
        let stores = [0, 1, 2].map(|index: usize| database.node(folders[index].path()).0);
        let mut pruned = BTreeSet::new();
        for (what, at, index) in &history {
            catch_up(&stores[*index]);
            commit_random(&stores[*index], *what, *at, &mut pruned);
        }
        stores.iter().for_each(|store| catch_up(store));
        let expected = all_answers(&stores[0], 9);
        let late = tempfile::tempdir().expect("folder");
        let late = database.node(late.path()).0;
        for store in [&stores[1], &stores[2], &late] {
            let difference = differences(&all_answers(store, 9), &expected);
            prop_assert!(difference.is_empty(), "{:?}", difference);
        }
        prop_assert_eq!(stores[1].check().expect("checked"), []);
        Ok(())
    };
    runner.run(&histories, agree).expect("the nodes agree");
}
