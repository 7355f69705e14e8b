//! Space on the disk of the store. A file reserves some of it: when the disk is full, the file is deleted, so that the journal
//! can still grow. The database, which only repeats what the journal has, is not written while space is low.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::error::StoreError;

/// Size of the reserve in bytes: some ten thousand state changes.
const RESERVE: u64 = 16 << 20;

/// Free space in bytes below which the database is not written.
const LOW: u64 = 2 * RESERVE;

/// Free space in bytes at which the reserve is made, also again.
const ENOUGH: u64 = 4 * RESERVE;

/// Interval at which a full disk is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// The space on the disk of a store, with the reserve.
pub(crate) struct DiskSpace {
    folder: PathBuf,
    /// Whether a commit waits until a full disk has space again. Otherwise it fails.
    waits: bool,
    /// Whether a full disk is logged already.
    is_full: bool,
    /// Whether low space is logged already.
    is_low: bool,
    /// Set when the store closes: nothing waits any more.
    closing: Arc<AtomicBool>,
}

impl DiskSpace {
    /// The space of a store in this folder; makes the reserve, or releases it if the disk is full.
    pub(crate) fn open(folder: &Path, waits: bool) -> Self {
        let closing = Arc::default();
        let mut space = Self { folder: folder.to_owned(), waits, is_full: false, is_low: false, closing };
        if space.free() < RESERVE {
            space.release();
        } else {
            space.renew();
        }
        space
    }

    /// The flag that ends waiting.
    pub(crate) fn closing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.closing)
    }

    /// Whether the store closes.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether a write that failed may succeed now: the reserve was released, or this has waited for a moment.
    pub(crate) fn may_retry(&mut self, error: &StoreError) -> bool {
        if !is_disk_full(error) || self.is_closing() {
            return false;
        }
        if self.release() {
            tracing::error!(
                event = "store_disk_full",
                "the disk of the store is full: {error}; changes of jobs are now written to the space that was reserved for \
                 them; free space on {}",
                self.folder.display()
            );
            return true;
        }
        if self.waits && !self.is_full {
            self.is_full = true;
            tracing::error!(
                event = "store_disk_full",
                "the disk of the store is full, and its reserve is used up: {error}; jobs wait until there is space on {}",
                self.folder.display()
            );
        }
        if self.waits {
            std::thread::park_timeout(RETRY_INTERVAL);
        }
        self.waits
    }

    /// Whether there is too little space to write the database.
    pub(crate) fn is_low(&mut self) -> bool {
        let low = self.free() < LOW;
        if low && !self.is_low {
            tracing::warn!(
                event = "store_disk_low",
                "the disk of the store is nearly full; only its journal is written until there is more space on {}",
                self.folder.display()
            );
        }
        self.is_low = low;
        low
    }

    /// Makes the reserve again once there is enough space.
    pub(crate) fn renew(&mut self) {
        let path = self.reserve();
        if path.exists() || self.free() < ENOUGH {
            return;
        }
        self.is_full = false;
        if let Err(error) = File::create(&path).and_then(|file| allocate(&file)) {
            tracing::warn!("cannot reserve space for the journal in {}: {error}", path.display());
            self.release();
        }
    }

    /// Deletes the reserve; returns whether there was one.
    fn release(&self) -> bool {
        std::fs::remove_file(self.reserve()).is_ok()
    }

    fn reserve(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    /// Free bytes; plenty if the file system does not say.
    fn free(&self) -> u64 {
        rustix::fs::statvfs(&self.folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

fn allocate(file: &File) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, RESERVE) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        allocated => return Ok(allocated?),
    }
    let (mut file, zeros) = (file, vec![0; 1 << 20]);
    (0..RESERVE >> 20).try_for_each(|_| file.write_all(&zeros))
}

fn is_disk_full(error: &StoreError) -> bool {
    let full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    matches!(error, StoreError::Io { error, .. } if full(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> StoreError {
        StoreError::Io { what: "cannot extend", path: "x".into(), error: io::ErrorKind::StorageFull.into() }
    }

    #[test]
    fn reserve_is_released_once_and_then_waited_for() {
        let home = tempfile::tempdir().expect("folder");
        let reserve = home.path().join("reserve");
        for waits in [true, false] {
            let mut space = DiskSpace::open(home.path(), waits);
            assert_eq!(std::fs::metadata(&reserve).expect("reserved").len(), RESERVE);
            let other = StoreError::Stopped("x".to_owned());
            assert!(!space.may_retry(&other) && reserve.exists());
            assert!(space.may_retry(&full()) && !reserve.exists());
            assert_eq!(space.may_retry(&full()), waits);
            space.renew();
            assert!(reserve.exists() && !space.is_low());
            space.closing().store(true, Ordering::Relaxed);
            assert!(!space.may_retry(&full()), "the store closes");
        }
    }
}
