//! Every rung of opening, and what a store must never do: begin empty in silence, or throw a database away.

use super::super::journal::Limits;
use super::*;

fn aside(folder: &Path) -> Vec<std::path::PathBuf> {
    let items = std::fs::read_dir(folder).expect("the store").flatten().map(|item| item.path());
    items.filter(|path| path.display().to_string().contains("/damaged-")).collect()
}

fn begun(folder: &Path) {
    let (store, _) = open(folder);
    begin(&store, &id(1), "aa");
    begin(&store, &id(2), "bb");
}

/// Changes one value of the database, as another program would have.
fn poke(folder: &Path, key: &[u8], value: Option<&[u8]>) {
    let db = sled::open(folder.join("sled")).expect("the database");
    match value {
        Some(value) => db.insert(key, value),
        None => db.remove(key),
    }
    .expect("changed");
    db.flush().expect("flushed");
}

#[test]
fn a_snapshot_that_sled_did_not_finish_is_no_obstacle() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    std::fs::write(folder.path().join("sled/snap.0000000000000E5F.generating"), b"").expect("left behind");
    let (store, opening) = open(folder.path());
    assert_eq!(opening, Opening::default());
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    assert_eq!(aside(folder.path()).len(), 0);
}

#[test]
fn tables_of_an_older_form_are_rebuilt_and_kept_as_a_backup() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    poke(folder.path(), b"mbegan", Some(&[0]));
    let (store, opening) = open(folder.path());
    let (backup, why) = opening.quarantined.expect("rebuilt");
    assert!(backup.join("db").is_file() && why.contains("form 0"), "{} {why}", backup.display());
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    drop(store);
    assert_eq!(open(folder.path()).1, Opening::default(), "once is enough");
}

#[test]
fn tables_of_a_newer_form_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    poke(folder.path(), b"mbegan", Some(&[9]));
    let error = Durable::open(folder.path()).map(|_| ()).expect_err("newer");
    assert!(matches!(&error, StoreError::Newer { what } if what.contains("form 9")), "{error}");
    assert!(error.to_string().contains("install that version"), "{error}");
    assert_eq!(aside(folder.path()).len(), 0);
}

#[test]
fn an_empty_database_beside_a_journal_is_never_believed() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    poke(folder.path(), b"mbegan", None);
    let (store, opening) = open(folder.path());
    assert!(opening.quarantined.is_some_and(|(_, why)| why.contains("came back empty")));
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
}

#[test]
fn every_byte_of_the_database_may_be_damaged() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    let path = folder.path().join("sled/db");
    let whole = std::fs::read(&path).expect("the database");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("used") + 1;
    let mut quarantined = 0;
    for at in (0..used).step_by(used / 24 + 1) {
        let mut bytes = whole.clone();
        bytes[at..(at + 64).min(used)].iter_mut().for_each(|byte| *byte ^= 0xa5);
        std::fs::write(&path, &bytes).expect("damaged");
        let (store, opening) = open(folder.path());
        quarantined += u32::from(opening.quarantined.is_some());
        assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2, "damaged at {at}");
        drop(store);
    }
    assert!(quarantined > 0);
    assert_eq!(aside(folder.path()).len() as u32, quarantined, "none is thrown away");
}

#[test]
fn damage_in_lines_that_the_database_holds_costs_a_story_a_line_and_nothing_else() {
    let folder = tempfile::tempdir().expect("folder");
    begun(folder.path());
    let path = folder.path().join("journal/00000001.jsonl");
    let mut text = std::fs::read(&path).expect("the journal");
    text[100] ^= 1;
    std::fs::write(&path, &text).expect("damaged");
    let (store, opening) = open(folder.path());
    assert_eq!(opening, Opening { passed: 1, ..Opening::default() });
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 2);
    assert_eq!(store.story(&id(1)).expect("story").len(), 0);
    assert_eq!(store.story(&id(2)).expect("story").len(), 2);
}

#[test]
fn an_old_copy_of_the_database_is_brought_up_to_date_or_rebuilt() {
    let folder = tempfile::tempdir().expect("folder");
    let few = Limits { segment: 2_000, segments: 2 };
    begun(folder.path());
    let old = folder.path().join("copy");
    std::fs::rename(folder.path().join("sled"), &old).expect("put away");
    let (store, _) = Durable::open_with(folder.path(), few).expect("opens");
    for at in 3..40 {
        begin(&store, &id(at), &format!("s{at}"));
    }
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("lost");
    std::fs::rename(&old, folder.path().join("sled")).expect("put back");
    let (store, opening) = Durable::open_with(folder.path(), few).expect("opens");
    assert!(opening.quarantined.is_some_and(|(_, why)| why.contains("an old copy")));
    assert_eq!(store.jobs(&Filter::default()).expect("jobs").len(), 39);
}

/// A long life in little space: a thousand jobs, each looked after a hundred times.
#[test]
fn a_hundred_thousand_transitions_stay_small() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) =
        Durable::open_with(folder.path(), Limits { segment: 4 << 20, segments: 3 }).expect("opens");
    for at in 0..1000 {
        begin(&store, &id(at), &format!("s{at}"));
    }
    let due = Timestamp::from_second(1_790_000_000).expect("time");
    for round in 0..50u64 {
        let of = |at| {
            let events = vec![
                Event::Waited { due, why: "Microsoft's signature".into(), polled: false },
                Event::Resumed,
            ];
            store.commit(Commit::lazily(vec![Entry::Job { job: id(at), rev: 2 + round * 2, events }]))
        };
        let tickets: Vec<_> = (0..1000).map(of).collect();
        tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("committed")));
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
