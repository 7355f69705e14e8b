//! A sled database, with the repairs and the sync that sled 0.34 lacks.

use std::fs::File;
use std::path::Path;

use crate::error::StoreError;

/// An open database.
pub(crate) struct Sled {
    pub(crate) db: sled::Db,
    /// sled 0.34's own flush does not reach the disk on Linux (`sync_file_range`); a sync of this does.
    file: File,
}

impl Sled {
    /// Opens the database of a folder. sled panics on some damage; that is an error here.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        drop_unfinished_snapshots(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(8 << 20)
            // The writer flushes after commits; sled's own timer would sync twice a second, for nothing.
            .flush_every_ms(None);
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open()));
        let db = match opened {
            Ok(Ok(db)) => db,
            Ok(Err(error)) => return Err(sled_error(&error)),
            Err(_) => {
                return Err(StoreError::Damaged {
                    what: "sled panicked when it opened the database".to_owned(),
                });
            }
        };
        let path = folder.join("db");
        let failed = |source| StoreError::Io { what: "cannot open", path: path.clone(), error: source };
        let file = File::open(&path).map_err(failed)?;
        Ok(Self { db, file })
    }

    /// Writes all changes to the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        // Changes in sled's own buffers would be lost with the process, and replayed at the next start.
        self.db.flush().map_err(|error| sled_error(&error))?;
        let failed =
            |source| StoreError::Io { what: "cannot sync", path: "the database".into(), error: source };
        self.file.sync_data().map_err(failed)
    }
}

/// sled 0.34 cannot open a database with an unfinished snapshot (its issues 1527 and 1533).
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

/// A failing disk is not damage: the same database opens when the cause is gone.
pub(crate) fn sled_error(error: &sled::Error) -> StoreError {
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
        error => StoreError::Damaged { what: format!("sled: {error}") },
    }
}
