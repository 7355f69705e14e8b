//! Every attempt of opening a store. A store must never start empty unnoticed, nor delete a database.

use super::*;

fn databases_aside(folder: &Path) -> Vec<std::path::PathBuf> {
    let items = std::fs::read_dir(folder).expect("the store").flatten().map(|item| item.path());
    items
        .filter(|path| {
            path.display().to_string().contains("/damaged-") || path.display().to_string().contains("/older-")
        })
        .collect()
}

fn create(folder: &Path) {
    let (store, _) = open(folder);
    create_job(&store, &id(1), "aa");
    create_job(&store, &id(2), "bb");
}

/// Changes one value of the database. Opened as the store does it: sled's threads may hold its lock for a moment longer than
/// the store that was closed.
fn change_database(folder: &Path, key: &[u8], value: Option<&[u8]>) {
    let sled = crate::disk::Sled::open(&folder.join("sled")).expect("the database");
    match value {
        Some(value) => sled.db.insert(key, value),
        None => sled.db.remove(key),
    }
    .expect("changed");
    sled.sync().expect("synced");
}

#[test]
fn unfinished_sled_snapshot_is_removed() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    std::fs::write(folder.path().join("sled/snap.0000000000000E5F.generating"), b"")
        .expect("left dirty_since");
    let (store, report) = open(folder.path());
    assert_eq!(report, OpenReport::default());
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    assert_eq!(databases_aside(folder.path()).len(), 0);
}

#[test]
fn older_tables_are_rebuilt_and_kept_as_a_backup() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    change_database(folder.path(), b"mbegan", Some(&[0]));
    let (store, report) = open(folder.path());
    let backup = report.upgraded.expect("rebuilt");
    assert!(backup.join("db").is_file() && report.quarantined.is_none(), "{}", backup.display());
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    drop(store);
    assert_eq!(open(folder.path()).1, OpenReport::default(), "once is enough");
}

#[test]
fn cancelled_rebuild_leaves_a_store_that_opens() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    std::fs::remove_dir_all(folder.path().join("sled")).expect("no tables");
    let open = |cancelled: bool| {
        DiskStore::open_watched(
            folder.path(),
            std::sync::Arc::new(crate::heartbeat::Unwatched),
            &cancelled.into(),
        )
    };
    let refused = open(true).map(|_| ()).expect_err("cancelled");
    assert!(matches!(refused, StoreError::Cancelled), "{refused}");
    let (store, report) = open(false).expect("the store opens");
    assert_eq!(report.quarantined, None);
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
}

#[test]
fn newer_tables_are_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    change_database(folder.path(), b"mbegan", Some(&[9]));
    let error = DiskStore::open(folder.path()).map(|_| ()).expect_err("newer");
    assert!(matches!(&error, StoreError::Newer { what } if what.contains("form 9")), "{error}");
    assert!(error.to_string().contains("install that version"), "{error}");
    assert_eq!(databases_aside(folder.path()).len(), 0);
}

#[test]
fn empty_database_beside_a_journal_is_rebuilt() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    change_database(folder.path(), b"mbegan", None);
    let (store, report) = open(folder.path());
    assert!(report.quarantined.is_some_and(|(_, why)| why.contains("came back empty")));
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
}

#[test]
fn damage_anywhere_in_the_database_loses_no_job() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    let path = folder.path().join("sled/db");
    let whole = std::fs::read(&path).expect("the database");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("used") + 1;
    let mut quarantined = 0;
    for at in (0..used).step_by(used / 24 + 1) {
        let mut bytes = whole.clone();
        bytes[at..(at + 64).min(used)].iter_mut().for_each(|byte| *byte ^= 0xa5);
        std::fs::write(&path, &bytes).expect("damaged");
        let (store, report) = open(folder.path());
        quarantined += u32::from(report.quarantined.is_some());
        assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2, "damaged at {at}");
        drop(store);
    }
    assert!(quarantined > 0);
    assert_eq!(databases_aside(folder.path()).len() as u32, quarantined, "none is deleted");
}

#[test]
fn damaged_line_that_the_database_has_costs_only_its_history() {
    let folder = tempfile::tempdir().expect("folder");
    create(folder.path());
    let path = folder.path().join("journal/00000001.jsonl");
    let mut text = std::fs::read(&path).expect("the journal");
    text[100] ^= 1;
    std::fs::write(&path, &text).expect("damaged");
    let (store, report) = open(folder.path());
    assert_eq!(report, OpenReport { skipped: 1, ..OpenReport::default() });
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    assert_eq!(store.history(&id(1)).expect("history").len(), 0);
    assert_eq!(store.history(&id(2)).expect("history").len(), 2);
}

#[test]
fn outdated_copy_of_the_database_is_rebuilt() {
    let folder = tempfile::tempdir().expect("folder");
    let limits = SegmentLimits { max_segment_size: 2_000, max_segments: 2 };
    create(folder.path());
    let old = folder.path().join("copy");
    std::fs::rename(folder.path().join("sled"), &old).expect("put away");
    let (store, _) = open_with(folder.path(), limits);
    for at in 3..40 {
        create_job(&store, &id(at), &format!("s{at}"));
    }
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("lost");
    std::fs::rename(&old, folder.path().join("sled")).expect("put back");
    let (store, report) = open_with(folder.path(), limits);
    assert!(report.quarantined.is_some_and(|(_, why)| why.contains("an old copy")));
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 39);
}

/// A thousand jobs with a hundred transitions each.
#[test]
fn store_stays_small_over_a_hundred_thousand_transitions() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = open_with(folder.path(), SegmentLimits { max_segment_size: 4 << 20, max_segments: 3 });
    for at in 0..1000 {
        create_job(&store, &id(at), &format!("s{at}"));
    }
    let due = Timestamp::from_second(1_790_000_000).expect("time");
    for round in 0..50u64 {
        let of = |at| {
            let events = vec![
                Event::Waited {
                    due,
                    why: dropship_job::WaitReason::Signature { workflow: None },
                    polled: false,
                },
                Event::Resumed,
            ];
            store.commit(Commit::unsynced(vec![Entry::Job { job: id(at), rev: 2 + round * 2, events }]))
        };
        let handles: Vec<_> = (0..1000).map(of).collect();
        handles.into_iter().for_each(|handle| drop(handle.wait().expect("committed")));
    }
    drop(store);
    let size = |name: &str| -> u64 {
        let items = std::fs::read_dir(folder.path().join(name)).expect("listed").flatten();
        items.filter_map(|item| item.metadata().ok()).map(|meta| meta.len()).sum()
    };
    let (sled, journal) = (size("sled"), size("journal"));
    eprintln!("after 100,000 transitions: sled {sled} bytes, journal {journal} bytes");
    assert!(sled < 20 << 20, "sled has {sled} bytes");
    assert!(journal < 4 * (4 << 20), "the journal has {journal} bytes");
    let (store, _) = open(folder.path());
    let jobs = store.jobs(&Filter::default()).expect("jobs");
    assert!(jobs.len() == 1000 && jobs.iter().all(|job| job.rev() == 102));
}
