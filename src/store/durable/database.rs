//! sled. Nothing else in the program knows it.

use std::fs::File;
use std::path::Path;

use super::super::StoreError;
use super::super::tables::{Bytes, Changes, Pair};
use super::super::writer::Target;

/// The tables, in one tree: its batches are atomic.
pub(super) struct Database {
    db: sled::Db,
    /// sled 0.34's own flush does not reach the disk on Linux (`sync_file_range`); a sync of this does.
    file: File,
}

impl Database {
    /// Opens the database of a folder. sled panics on some damage; that is an error here.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        drop_unfinished_snapshots(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(32 << 20)
            .flush_every_ms(Some(500));
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
}

impl Bytes for Database {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get(key).map_err(|error| trouble(&error))?.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let pair = |pair: sled::Result<(sled::IVec, sled::IVec)>| {
            pair.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(|error| trouble(&error))
        };
        self.db.scan_prefix(prefix).map(pair).collect()
    }

    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let keys = self.db.scan_prefix(prefix).keys();
        keys.map(|key| key.map(|key| key.to_vec()).map_err(|error| trouble(&error))).collect()
    }

    fn last_keys(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        // No key of ours holds 0xff: names are UTF-8.
        let end = before.map_or_else(|| [prefix, &[0xff]].concat(), <[u8]>::to_vec);
        let keys = self.db.range(prefix.to_vec()..end).keys().rev().take(limit);
        keys.map(|key| key.map(|key| key.to_vec()).map_err(|error| trouble(&error))).collect()
    }

    fn count(&self, prefix: &[u8]) -> Result<usize, StoreError> {
        self.db
            .scan_prefix(prefix)
            .keys()
            .try_fold(0, |count, key| key.map(|_| count + 1).map_err(|error| trouble(&error)))
    }
}

impl Target for Database {
    fn change(&self, changes: Changes) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, change) in changes {
            match change {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(|error| trouble(&error))
    }

    fn settle(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| trouble(&error))?;
        self.file.sync_data().map_err(|source| StoreError::Io {
            what: "cannot sync",
            path: "the database".into(),
            error: source,
        })
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
