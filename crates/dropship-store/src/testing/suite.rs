//! The behaviour of every store.

#![expect(clippy::expect_used, reason = "a failure is that of a test")]

use crate::testing::samples::{commit, create_job, id};
use crate::{Commit, Entry, Filter, Store, StoreError};
use dropship_job::{ErrorKind, Event, Fault, JobId, StateKind};

/// Tests an empty store.
///
/// # Panics
/// When it does not behave as each store does.
pub fn suite(store: &dyn Store) {
    create_job(store, &id(1), "aa");
    create_job(store, &id(2), "bb");
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
    let setting = Entry::Setting { key: "k".into(), value: Some("v".into()) };
    let illegal = Entry::Job { job: id(1), rev: 2, events: vec![Event::Committed] };
    let refused = store.commit(Commit::new(vec![setting.clone(), illegal])).wait();
    assert!(matches!(refused, Err(StoreError::Illegal(_))), "{refused:?}");
    let stale = store.commit(Commit::of_job(&id(1), 1, vec![Event::Resumed])).wait();
    assert!(matches!(stale, Err(StoreError::Conflict { have: 2, expected: 1, .. })), "{stale:?}");
    assert_eq!(store.settings("").expect("read"), []);

    commit(store, vec![setting, Entry::Setting { key: "pause/a".into(), value: Some("1".into()) }]);
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
