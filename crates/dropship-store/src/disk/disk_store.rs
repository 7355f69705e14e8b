//! The store of the daemon.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::disk::histories::SegmentFiles;
use crate::disk::lock::lock;
use crate::disk::open::{OpenReport, open_tables};
use crate::disk::table_store::TableStore;
use crate::error::StoreError;
use crate::heartbeat::{Heartbeat, Unwatched};
use crate::journal::SegmentLimits;
use crate::space::DiskSpace;
use crate::writer::Writer;

/// A store in a folder.
///
/// `lock` has the id of the process that uses it, `journal/` the durable record, `sled/` the tables that follow from it,
/// `reserve` space for the journal on a full disk.
pub type DiskStore = TableStore<SegmentFiles>;

impl DiskStore {
    /// Opens or creates the store of a folder; the report has what was repaired.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it, [`StoreError::Older`] and [`StoreError::Newer`] for other
    /// versions, [`StoreError::Damaged`] for a damaged journal, [`StoreError::Io`] of the file system.
    pub fn open(folder: &Path) -> Result<(Self, OpenReport), StoreError> {
        Self::open_with(folder, SegmentLimits::default(), Arc::new(Unwatched), false, &AtomicBool::new(false))
    }

    /// The same for a daemon: the thread that writes sends heartbeats, and waits while the disk is full. Setting `cancelled` ends a
    /// rebuild of the tables.
    ///
    /// # Errors
    /// As [`DiskStore::open`], and [`StoreError::Cancelled`].
    pub fn open_watched(
        folder: &Path,
        heartbeat: Arc<dyn Heartbeat>,
        cancelled: &AtomicBool,
    ) -> Result<(Self, OpenReport), StoreError> {
        Self::open_with(folder, SegmentLimits::default(), heartbeat, true, cancelled)
    }

    /// The same for a copy, which depends on the order of the lines: the journal is not compacted.
    ///
    /// # Errors
    /// As [`DiskStore::open`].
    pub fn open_for_copy(folder: &Path) -> Result<(Self, OpenReport), StoreError> {
        let limits = SegmentLimits { max_segments: usize::MAX, ..SegmentLimits::default() };
        Self::open_with(folder, limits, Arc::new(Unwatched), false, &AtomicBool::new(false))
    }

    pub(crate) fn open_with(
        folder: &Path,
        limits: SegmentLimits,
        heartbeat: Arc<dyn Heartbeat>,
        waits_for_space: bool,
        cancelled: &AtomicBool,
    ) -> Result<(Self, OpenReport), StoreError> {
        let failed = |error| StoreError::Io { what: "cannot create", path: folder.to_owned(), error };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder)?;
        let space = DiskSpace::open(folder, waits_for_space);
        let (tables, journal, report) = open_tables(folder, limits, cancelled)?;
        let tables = Arc::new(tables);
        let failed =
            |error| StoreError::Io { what: "cannot start the writer of", path: folder.to_owned(), error };
        let writer = Writer::start(Arc::clone(&tables), journal, heartbeat, space).map_err(failed)?;
        let histories = SegmentFiles::new(folder.join("journal"));
        Ok((Self { writer, tables, histories, _lock: lock }, report))
    }
}
