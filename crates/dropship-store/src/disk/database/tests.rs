use std::path::PathBuf;

use super::*;
use crate::disk::vacuum::{MIN_SIZE, copied_size, finish_exchange};
use crate::disk::vacuum::{beside, compare, copy};
use crate::tables::{ByteMap, TableChanges};
use crate::writer::WriterTables;

/// A database whose pairs were overwritten many times.
fn worn(folder: &Path) -> Database {
    let database = Database::open(folder).expect("a database");
    for round in 0..30_u32 {
        let pair = |number: u32| {
            let value =
                (0..40).map(|part| round.wrapping_mul(31).wrapping_add(number * part) as u8).collect();
            (format!("j{:08x}", number.wrapping_mul(2_654_435_761)).into_bytes(), Some(value))
        };
        database.change((0..2000).map(pair).collect::<TableChanges>()).expect("changed");
        database.flush().expect("flushed");
    }
    database.change([(copied_size(), None), (b"mbegan".to_vec(), Some(vec![2]))].into()).expect("changed");
    database.flush().expect("flushed");
    database
}

#[test]
fn vacuumed_database_is_smaller_and_has_the_same_pairs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sled");
    let database = worn(&path);
    let before = database.scan(b"j").expect("pairs");
    assert_eq!(before.len(), 2000);
    let large = size(database.tables.read().sled().expect("open")).expect("a size");
    database.vacuum().expect("vacuumed");
    let small = size(database.tables.read().sled().expect("open")).expect("a size");
    assert!(small * 2 <= large, "{small} of {large}");
    assert_eq!(database.scan(b"j").expect("pairs"), before);
    assert_eq!(database.get(b"mbegan").expect("read"), Some(vec![2]));
    database.change([(b"j1".to_vec(), Some(vec![1]))].into()).expect("changed");
    database.flush().expect("flushed");
    drop(database);
    let database = Database::open(&path).expect("opened again");
    assert_eq!(database.scan(b"j").expect("pairs").len(), 2001);
    assert!(!beside(&path, "old").exists() && !beside(&path, "new").exists());
}

#[test]
fn database_twice_as_large_as_its_last_copy_is_vacuumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sled");
    let database = worn(&path);
    let now = || size(database.tables.read().sled().expect("open")).expect("a size");
    let large = now();
    database.vacuum_if_worthwhile().expect("checked");
    assert_eq!(now(), large, "below 16 MiB it is not worth it");
    database.tables.write().vacuum_threshold = large - 1;
    database.vacuum_if_worthwhile().expect("vacuumed");
    assert!(now() < large);
    assert_eq!(database.tables.read().vacuum_threshold, MIN_SIZE);
    let big = (MIN_SIZE * 3).to_be_bytes().to_vec();
    database.change([(copied_size(), Some(big))].into()).expect("changed");
    database.flush().expect("flushed");
    let beyond = vacuum_threshold(database.tables.read().sled().expect("open")).expect("a size");
    assert_eq!(beyond, MIN_SIZE * 6);
}

#[test]
fn failed_vacuum_leaves_the_database_and_raises_the_threshold() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sled");
    let database = worn(&path);
    let before = database.scan(b"j").expect("pairs");
    std::fs::write(beside(&path, "new"), "in the way").expect("a file");
    database.tables.write().vacuum_threshold = 0;
    database.vacuum_if_worthwhile().expect("checked");
    assert_eq!(database.scan(b"j").expect("pairs"), before);
    assert!(database.tables.read().vacuum_threshold > 0);
}

#[test]
fn copy_with_any_difference_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = worn(&folder.path().join("sled"));
    let tables = database.tables.read();
    let sled = tables.sled().expect("open");
    let (new, last) = (folder.path().join("copy"), sled.db.last().expect("read").expect("a pair").0);
    copy(sled, &new).expect("copied");
    compare(sled, &new).expect("the same");
    let change = |what: &dyn Fn(&sled::Db)| {
        let copy = Sled::open(&new).expect("opened");
        what(&copy.db);
        copy.sync().expect("synced");
    };
    change(&|db| drop(db.insert([9, 9], &[9]).expect("inserted")));
    assert!(compare(sled, &new).is_err(), "one pair more");
    change(&|db| drop(db.remove([9, 9]).expect("removed")));
    compare(sled, &new).expect("the same again");
    change(&|db| drop(db.insert(&last, b"other").expect("inserted")));
    assert!(compare(sled, &new).is_err(), "another value");
    change(&|db| drop(db.remove(&last).expect("removed")));
    assert!(compare(sled, &new).is_err(), "one pair less");
}

#[test]
fn interrupted_exchange_is_finished_or_reverted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sled");
    let (new, old) = (beside(&path, "new"), beside(&path, "old"));
    let after_crash = |names: &[&PathBuf]| {
        for path in names {
            std::fs::create_dir(path).expect("a folder");
            std::fs::write(path.join("db"), path.extension().unwrap_or_default().as_encoded_bytes())
                .expect("a file");
        }
        finish_exchange(&path).expect("finished");
        let left = std::fs::read(path.join("db")).map(|text| String::from_utf8(text).expect("text"));
        assert!(!new.exists() && !old.exists());
        drop(std::fs::remove_dir_all(&path));
        left.ok()
    };
    assert_eq!(after_crash(&[]), None);
    assert_eq!(after_crash(&[&path, &new]).as_deref(), Some(""), "while it was copied");
    assert_eq!(after_crash(&[&old, &new]).as_deref(), Some("old"), "between the renames");
    assert_eq!(after_crash(&[&path, &old]).as_deref(), Some(""), "before the old one was removed");
}
