//! sled 0.34 keeps much of what was overwritten: a page with its last ten changes, a segment until half of it is dead,
//! and free segments that do not lie at the end. Its file comes to four to six times what it holds. So once it has grown
//! to twice what it was as a copy, and nothing is going on, it is copied again.
//!
//! The copy is made beside it in `sled.new`, read again and compared, and takes its place by two renames; what a crash
//! leaves of that, [`clear_up`] mends at the next start.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::super::super::StoreError;
use super::{Database, Sled, key, trouble};

/// Below this no file is worth a copy.
const WORTH: u64 = 16 << 20;

/// Leaves that are copied at once: few, since sled keeps the pages of a batch twice when they split.
const AT_ONCE: usize = 64;

/// What the database came to on the disk as a copy, in bytes, big-endian.
fn packed() -> Vec<u8> {
    [key::META, b"packed"].concat()
}

/// A database is worth a copy beyond twice what it came to as a copy, or else when it was opened.
pub(super) fn loose_beyond(sled: &Sled) -> Result<u64, StoreError> {
    let kept = sled.db.get(packed()).map_err(|error| trouble(&error))?;
    let kept = kept.and_then(|kept| kept.as_ref().try_into().ok()).map(u64::from_be_bytes);
    Ok(kept.map_or_else(|| size(sled), Ok)?.saturating_mul(2).max(WORTH))
}

fn size(sled: &Sled) -> Result<u64, StoreError> {
    sled.db.size_on_disk().map_err(|error| trouble(&error))
}

fn beside(folder: &Path, end: &str) -> PathBuf {
    folder.with_extension(end)
}

/// Before a database is opened: whatever a crash left of an exchange goes, and the old one comes back if there is none.
pub(in super::super) fn clear_up(folder: &Path) -> Result<(), StoreError> {
    let (new, old) = (beside(folder, "new"), beside(folder, "old"));
    if old.exists() && !folder.exists() {
        rename(&old, folder)?;
    }
    [new, old].iter().try_for_each(|path| remove(path))
}

impl Database {
    /// Copies the database once that is worth it. Nobody else changes it meanwhile: this is the writer's.
    pub(super) fn tidy_up(&self) -> Result<(), StoreError> {
        let (size, loose) = {
            let tables = self.read();
            (size(tables.sled()?)?, tables.loose)
        };
        if size <= loose {
            return Ok(());
        }
        if let Err(error) = self.repack() {
            // Without a copy it is only large.
            tracing::warn!("The database cannot be packed anew, and stays at {} MiB: {error}", size >> 20);
            self.write().loose = size.saturating_mul(2);
            drop(remove(&beside(&self.folder, "new")));
            // Unless it is gone.
            self.read().sled()?;
        }
        Ok(())
    }

    /// Copies the database and lets the copy take its place.
    fn repack(&self) -> Result<(), StoreError> {
        let new = beside(&self.folder, "new");
        remove(&new)?;
        {
            let tables = self.read();
            let from = tables.sled()?;
            copy(from, &new)?;
            same(from, &new)?;
        }
        let mut tables = self.write();
        tables.sled = None;
        let exchanged = exchange(&self.folder, &new);
        let sled = reopened(&self.folder)?;
        tables.loose = loose_beyond(&sled)?;
        tables.sled = Some(sled);
        exchanged
    }
}

fn copy(from: &Sled, folder: &Path) -> Result<(), StoreError> {
    let to = Sled::open(folder)?;
    let mut batch = sled::Batch::default();
    let mut waiting = 0;
    for pair in from.db.iter() {
        let (key, value) = pair.map_err(|error| trouble(&error))?;
        batch.insert(key, value);
        waiting += 1;
        if waiting == AT_ONCE {
            to.db.apply_batch(std::mem::take(&mut batch)).map_err(|error| trouble(&error))?;
            waiting = 0;
        }
    }
    to.db.apply_batch(batch).map_err(|error| trouble(&error))?;
    to.sync()?;
    let size = size(&to)?;
    to.db.insert(packed(), &size.to_be_bytes()).map_err(|error| trouble(&error))?;
    to.sync()?;
    sync(folder)
}

/// Opens a database that was just closed: sled's threads may keep it locked for an instant.
fn reopened(folder: &Path) -> Result<Sled, StoreError> {
    let path = folder.join("db");
    let failed = |error: std::io::Error| StoreError::Io { what: "cannot lock", path: path.clone(), error };
    let file = File::open(&path).map_err(failed)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    drop(file);
    Sled::open(folder)
}

/// Is what the disk has of a copy what it was made of? sled 0.34 answers some damage with an empty database.
fn same(one: &Sled, copy: &Path) -> Result<(), StoreError> {
    let copy = reopened(copy)?;
    let named =
        |pair: &Result<(sled::IVec, sled::IVec), _>| pair.as_ref().is_ok_and(|(key, _)| *key == packed());
    let mut others = copy.db.iter().filter(|pair| !named(pair));
    for pair in one.db.iter().filter(|pair| !named(pair)) {
        let pair = pair.map_err(|error| trouble(&error))?;
        if others.next().transpose().map_err(|error| trouble(&error))? != Some(pair) {
            return Err(StoreError::Damaged { what: "a copy of the database is not like it".to_owned() });
        }
    }
    match others.next() {
        None => Ok(()),
        Some(_) => Err(StoreError::Damaged { what: "a copy of the database holds more than it".to_owned() }),
    }
}

/// Lets the copy take the place of the database; both are closed.
fn exchange(folder: &Path, new: &Path) -> Result<(), StoreError> {
    let old = beside(folder, "old");
    remove(&old)?;
    rename(folder, &old)?;
    if let Err(error) = rename(new, folder) {
        rename(&old, folder)?;
        return Err(error);
    }
    if let Some(parent) = folder.parent() {
        sync(parent)?;
    }
    remove(&old)
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { what: "cannot rename", path: from.to_owned(), error };
    std::fs::rename(from, to).map_err(failed)
}

fn remove(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::Io { what: "cannot remove", path: folder.to_owned(), error })
        }
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { what: "cannot sync", path: folder.to_owned(), error };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::super::super::tables::{Bytes, Changes};
    use super::super::super::super::writer::Target;
    use super::*;

    /// A database whose pairs were written again and again.
    fn worn(folder: &Path) -> Database {
        let database = Database::open(folder).expect("a database");
        for round in 0..30_u32 {
            let pair = |number: u32| {
                let value =
                    (0..40).map(|part| round.wrapping_mul(31).wrapping_add(number * part) as u8).collect();
                (format!("j{:08x}", number.wrapping_mul(2_654_435_761)).into_bytes(), Some(value))
            };
            database.change((0..2000).map(pair).collect::<Changes>()).expect("changed");
            database.settle().expect("settled");
        }
        database.change([(packed(), None), (b"mbegan".to_vec(), Some(vec![2]))].into()).expect("changed");
        database.settle().expect("settled");
        database
    }

    #[test]
    fn a_copy_is_smaller_and_holds_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sled");
        let database = worn(&path);
        let before = database.scan(b"j").expect("pairs");
        assert_eq!(before.len(), 2000);
        let large = size(database.read().sled().expect("open")).expect("a size");
        database.repack().expect("packed");
        let small = size(database.read().sled().expect("open")).expect("a size");
        assert!(small * 2 <= large, "{small} of {large}");
        assert_eq!(database.scan(b"j").expect("pairs"), before);
        assert_eq!(database.get(b"mbegan").expect("read"), Some(vec![2]));
        database.change([(b"j1".to_vec(), Some(vec![1]))].into()).expect("changed");
        database.settle().expect("settled");
        drop(database);
        let database = Database::open(&path).expect("opened again");
        assert_eq!(database.scan(b"j").expect("pairs").len(), 2001);
        assert!(!beside(&path, "old").exists() && !beside(&path, "new").exists());
    }

    #[test]
    fn it_is_copied_beyond_twice_what_it_was_as_a_copy() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sled");
        let database = worn(&path);
        let now = || size(database.read().sled().expect("open")).expect("a size");
        let large = now();
        database.tidy_up().expect("looked");
        assert_eq!(now(), large, "below 16 MiB it is not worth it");
        database.write().loose = large - 1;
        database.tidy_up().expect("packed");
        assert!(now() < large);
        assert_eq!(database.read().loose, WORTH);
        let big = (WORTH * 3).to_be_bytes().to_vec();
        database.change([(packed(), Some(big))].into()).expect("changed");
        database.settle().expect("settled");
        let beyond = loose_beyond(database.read().sled().expect("open")).expect("a size");
        assert_eq!(beyond, WORTH * 6);
    }

    #[test]
    fn one_that_cannot_be_copied_stays_as_it_is_and_is_not_tried_at_once_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sled");
        let database = worn(&path);
        let before = database.scan(b"j").expect("pairs");
        std::fs::write(beside(&path, "new"), "in the way").expect("a file");
        database.write().loose = 0;
        database.tidy_up().expect("looked");
        assert_eq!(database.scan(b"j").expect("pairs"), before);
        assert!(database.read().loose > 0);
    }

    #[test]
    fn a_copy_that_differs_is_told_from_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = worn(&folder.path().join("sled"));
        let tables = database.read();
        let sled = tables.sled().expect("open");
        let (new, last) = (folder.path().join("copy"), sled.db.last().expect("read").expect("a pair").0);
        copy(sled, &new).expect("copied");
        same(sled, &new).expect("the same");
        let change = |what: &dyn Fn(&sled::Db)| {
            let copy = Sled::open(&new).expect("opened");
            what(&copy.db);
            copy.sync().expect("synced");
        };
        change(&|db| drop(db.insert([9, 9], &[9]).expect("inserted")));
        assert!(same(sled, &new).is_err(), "one pair more");
        change(&|db| drop(db.remove([9, 9]).expect("removed")));
        same(sled, &new).expect("the same again");
        change(&|db| drop(db.insert(&last, b"other").expect("inserted")));
        assert!(same(sled, &new).is_err(), "another value");
        change(&|db| drop(db.remove(&last).expect("removed")));
        assert!(same(sled, &new).is_err(), "one pair less");
    }

    #[test]
    fn whatever_a_crash_left_of_an_exchange_is_mended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sled");
        let (new, old) = (beside(&path, "new"), beside(&path, "old"));
        let lying = |names: &[&PathBuf]| {
            for path in names {
                std::fs::create_dir(path).expect("a folder");
                std::fs::write(path.join("db"), path.extension().unwrap_or_default().as_encoded_bytes())
                    .expect("a file");
            }
            clear_up(&path).expect("mended");
            let left = std::fs::read(path.join("db")).map(|text| String::from_utf8(text).expect("text"));
            assert!(!new.exists() && !old.exists());
            drop(std::fs::remove_dir_all(&path));
            left.ok()
        };
        assert_eq!(lying(&[]), None);
        assert_eq!(lying(&[&path, &new]).as_deref(), Some(""), "while it was copied");
        assert_eq!(lying(&[&old, &new]).as_deref(), Some("old"), "between the renames");
        assert_eq!(lying(&[&path, &old]).as_deref(), Some(""), "before the old one was removed");
    }
}
