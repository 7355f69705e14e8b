//! sled. Nothing else in the program knows it.

mod repack;

use std::collections::HashMap;
use std::fs::File;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(super) use repack::clear_up;

use super::super::StoreError;
use super::super::tables::{Bytes, Changes, Pair, key, merge};
use super::super::writer::Target;
use super::leaves::{Deflate, changed, each_pair, inflated};

/// Keys of leaves begin so; what stands beside them as it is begins like [`key::META`].
const LEAF: u8 = 1;

/// Changes that are kept in memory at most before they go to sled.
const WAITING: usize = 4096;
/// And their bytes.
const WAITING_BYTES: usize = 2 << 20;

/// Leaves that are kept inflated: who works on a job comes back to it.
const OPENED: usize = 128;

/// The tables, in one tree: its batches are atomic.
pub(super) struct Database {
    folder: PathBuf,
    tables: RwLock<Tables>,
    deflate: Mutex<Deflate>,
    opened: Mutex<HashMap<sled::IVec, Arc<[u8]>>>,
}

/// A leaf's name, and its inflated pairs.
type Leaf = (sled::IVec, Arc<[u8]>);

struct Tables {
    /// Absent only while it is exchanged.
    sled: Option<Sled>,
    /// What sled does not have yet. The journal has it.
    waiting: Changes,
    /// Bytes of what waits.
    bytes: usize,
    /// Beyond so many bytes on the disk it is worth a copy.
    loose: u64,
}

struct Sled {
    db: sled::Db,
    /// sled 0.34's own flush does not reach the disk on Linux (`sync_file_range`); a sync of this does.
    file: File,
}

impl Tables {
    fn sled(&self) -> Result<&Sled, StoreError> {
        self.sled.as_ref().ok_or_else(|| StoreError::Stopped("the database is closed".to_owned()))
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        Ok(&self.sled()?.db)
    }
}

impl Sled {
    /// Opens the database of a folder. sled panics on some damage; that is an error here.
    fn open(folder: &Path) -> Result<Self, StoreError> {
        drop_unfinished_snapshots(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(8 << 20)
            // The writer flushes when something came; by itself sled syncs twice a second for ever.
            .flush_every_ms(None);
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open()));
        let db = match opened {
            Ok(Ok(db)) => db,
            Ok(Err(error)) => return Err(trouble(&error)),
            Err(_) => {
                return Err(StoreError::Damaged { what: "sled panicked at opening it".to_owned() });
            }
        };
        let path = folder.join("db");
        let failed = |source| StoreError::Io { what: "cannot open", path: path.clone(), error: source };
        let file = File::open(&path).map_err(failed)?;
        Ok(Self { db, file })
    }

    fn sync(&self) -> Result<(), StoreError> {
        // What sled keeps to itself dies with the process, and would have to be brought in again.
        self.db.flush().map_err(|error| trouble(&error))?;
        let failed =
            |source| StoreError::Io { what: "cannot sync", path: "the database".into(), error: source };
        self.file.sync_data().map_err(failed)
    }
}

impl Database {
    /// Opens the database of a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let sled = Sled::open(folder)?;
        let loose = repack::loose_beyond(&sled)?;
        let (waiting, deflate, opened) = Default::default();
        let tables = RwLock::new(Tables { sled: Some(sled), waiting, bytes: 0, loose });
        Ok(Self { folder: folder.to_owned(), tables, deflate, opened })
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The leaf that a key belongs to, if there is one below it.
    fn leaf_of(&self, db: &sled::Db, key: &[u8]) -> Result<Option<Leaf>, StoreError> {
        let upto = (Bound::Included(vec![LEAF]), Bound::Included(leaf_key(key)));
        let found = db.range(upto).next_back().transpose().map_err(|error| trouble(&error))?;
        let Some((name, leaf)) = found else { return Ok(None) };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = opened.get(&name) {
            return Ok(Some((name, Arc::clone(text))));
        }
        let text: Arc<[u8]> = inflated(&leaf)?.into();
        if opened.len() >= OPENED {
            opened.clear();
        }
        opened.insert(name.clone(), Arc::clone(&text));
        Ok(Some((name, text)))
    }

    /// Hands the pairs whose keys begin so to `each`, in order; those that wait are not among them.
    fn settled(
        &self,
        db: &sled::Db,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        let mut beyond = false;
        let mut look = |text: &[u8]| {
            each_pair(text, |key, value| {
                if key.starts_with(prefix) {
                    each(key, value);
                } else if key > prefix {
                    beyond = true;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .map(|()| beyond)
        };
        let mut after = Bound::Included(vec![LEAF]);
        if let Some((name, text)) = self.leaf_of(db, prefix)? {
            if look(&text)? {
                return Ok(());
            }
            after = Bound::Excluded(name.to_vec());
        }
        for leaf in db.range((after, Bound::Excluded(vec![LEAF + 1]))) {
            let (_, leaf) = leaf.map_err(|error| trouble(&error))?;
            if look(&inflated(&leaf)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Brings what waits to sled, all at once, leaf by leaf.
    fn bring(&self) -> Result<(), StoreError> {
        // Who reads meanwhile would see leaves of before beside leaves of after.
        let mut tables = self.write();
        let db = tables.db()?;
        let mut deflate = self.deflate.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = sled::Batch::default();
        let (plain, packed): (Changes, Changes) =
            tables.waiting.clone().into_iter().partition(|(key, _)| key.starts_with(key::META));
        for (key, change) in plain {
            match change {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let mut changes = packed.into_iter().peekable();
        while let Some((first, change)) = changes.next() {
            let leaf = self.leaf_of(db, &first)?;
            let name = leaf.as_ref().map_or_else(|| vec![LEAF], |(name, _)| name.to_vec());
            let next = db.get_gt(&name).map_err(|error| trouble(&error))?;
            let end = next.map(|(next, _)| next).filter(|next| next.first() == Some(&LEAF));
            let mut here = Changes::from([(first, change)]);
            let belongs = |(key, _): &(Vec<u8>, _)| end.as_ref().is_none_or(|end| key.as_slice() < &end[1..]);
            while let Some((key, change)) = changes.next_if(belongs) {
                here.insert(key, change);
            }
            let leaves = changed(leaf.as_ref().map(|(_, text)| text.as_ref()), here, &mut deflate)?;
            if leaves.is_empty() && leaf.is_some() {
                batch.remove(name.as_slice());
            }
            for (place, (first, leaf)) in leaves.into_iter().enumerate() {
                batch.insert(if place == 0 { name.clone() } else { leaf_key(&first) }, leaf);
            }
        }
        db.apply_batch(batch).map_err(|error| trouble(&error))?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clear();
        (tables.waiting, tables.bytes) = Default::default();
        Ok(())
    }
}

fn leaf_key(key: &[u8]) -> Vec<u8> {
    [&[LEAF], key].concat()
}

impl Bytes for Database {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tables = self.read();
        if let Some(change) = tables.waiting.get(key) {
            return Ok(change.clone());
        }
        if key.starts_with(key::META) {
            return Ok(tables.db()?.get(key).map_err(|error| trouble(&error))?.map(|value| value.to_vec()));
        }
        let Some((_, text)) = self.leaf_of(tables.db()?, key)? else { return Ok(None) };
        let mut found = None;
        each_pair(&text, |here, value| {
            if here == key {
                found = Some(value.to_vec());
            }
            if here >= key { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let tables = self.read();
        let mut pairs = Vec::new();
        self.settled(tables.db()?, prefix, |key, value| pairs.push((key.to_vec(), value.to_vec())))?;
        Ok(merge(pairs, &tables.waiting, prefix))
    }

    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let tables = self.read();
        let mut keys = Vec::new();
        self.settled(tables.db()?, prefix, |key, _| keys.push(key.to_vec()))?;
        let changes = &tables.waiting;
        keys.retain(|key| !changes.contains_key(key));
        let standing = changed_here(changes, prefix).filter(|(_, change)| change.is_some());
        keys.extend(standing.map(|(key, _)| key.clone()));
        keys.sort_unstable();
        Ok(keys)
    }

    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        // No key of ours holds 0xff: names are UTF-8.
        let end = before.map_or_else(|| [prefix, &[0xff]].concat(), <[u8]>::to_vec);
        let tables = self.read();
        let changes = &tables.waiting;
        let mut found: Vec<_> = changed_here(changes, prefix).filter(|(key, _)| **key < end).collect();
        found.retain(|(_, change)| change.is_some());
        let mut found: Vec<_> = found.into_iter().map(|(key, _)| key.clone()).collect();
        let mut settled = 0;
        for leaf in tables.db()?.range(vec![LEAF]..leaf_key(&end)).rev() {
            let (name, leaf) = leaf.map_err(|error| trouble(&error))?;
            let mut here = Vec::new();
            each_pair(&inflated(&leaf)?, |key, _| {
                if key.starts_with(prefix) && key < end.as_slice() && !changes.contains_key(key) {
                    here.push(key.to_vec());
                }
                ControlFlow::Continue(())
            })?;
            settled += here.len();
            found.append(&mut here);
            if settled >= limit || &name[1..] < prefix {
                break;
            }
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.truncate(limit);
        Ok(found)
    }

    fn count(&self, prefix: &[u8]) -> Result<usize, StoreError> {
        let tables = self.read();
        let changes: Changes = changed_here(&tables.waiting, prefix)
            .map(|(key, change)| (key.clone(), change.clone()))
            .collect();
        let mut count = changes.values().flatten().count();
        self.settled(tables.db()?, prefix, |key, _| count += usize::from(!changes.contains_key(key)))?;
        Ok(count)
    }
}

fn changed_here<'a>(
    changes: &'a Changes,
    prefix: &'a [u8],
) -> impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)> {
    changes.range(prefix.to_vec()..).take_while(move |(key, _)| key.starts_with(prefix))
}

impl Target for Database {
    fn change(&self, changes: Changes) -> Result<(), StoreError> {
        let mut tables = self.write();
        for (key, change) in changes {
            tables.bytes += key.len() + change.as_ref().map_or(0, Vec::len);
            tables.waiting.insert(key, change);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let tables = self.read();
        tables.waiting.len() > WAITING || tables.bytes > WAITING_BYTES
    }

    fn bring(&self) -> Result<(), StoreError> {
        Self::bring(self)?;
        self.read().db()?.flush().map(drop).map_err(|error| trouble(&error))
    }

    fn settle(&self) -> Result<(), StoreError> {
        Self::bring(self)?;
        self.read().sled()?.sync()
    }

    fn tidy(&self) -> Result<(), StoreError> {
        self.tidy_up()
    }
}

/// An unfinished snapshot keeps sled 0.34 from opening for ever (its issues 1527 and 1533).
fn drop_unfinished_snapshots(folder: &Path) -> Result<(), StoreError> {
    let Ok(items) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for path in items.flatten().map(|item| item.path()) {
        if path.extension().is_some_and(|extension| extension == "generating") {
            let failed = |source| StoreError::Io { what: "cannot remove", path: path.clone(), error: source };
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// A disk that fails is no damage: the same database opens once the cause is gone.
fn trouble(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => {
            let source = match error.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(error.kind(), error.to_string()),
            };
            StoreError::Io {
                what: "cannot read or write",
                path: "the database in `sled`".into(),
                error: source,
            }
        }
        error => StoreError::Damaged { what: format!("sled says: {error}") },
    }
}
