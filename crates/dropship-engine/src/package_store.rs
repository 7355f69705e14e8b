//! Stores the captured copies of packages, each with the plan of its job, and later its driver metadata.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Seek as _};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use dropship_config::model::DEFAULT_MIN_FREE;
use dropship_job::JobId;

mod copies;
mod local_copy;
mod objects;
mod plans;
mod records;
mod small_files;

pub use local_copy::LocalCopy;
pub use objects::{CopyFacts, ObjectChange, PackageObjects};
pub use records::{PlanSnapshot, RejectedPackage};

/// Age below which the copies of an unknown job are not deleted. Another node may be about to create the job, and waits while the
/// database is away.
const MIN_ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);

/// Free space of the disk that has the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Free bytes.
    pub free: u64,
    /// No package is captured with this number of free bytes, or fewer.
    pub min: u64,
    /// Free inodes, if the file system counts them.
    pub inodes: Option<u64>,
}

/// The folder `<store>/packages`. If the copies are objects that all nodes reach, the folder has only the packages that are
/// captured, fetched or inspected at the moment, and copies of small files.
#[derive(Debug, Clone)]
pub struct PackageStore {
    root: PathBuf,
    /// The folder of the packages that are captured at the moment.
    incoming: PathBuf,
    /// Whether other nodes have the same folder.
    is_shared: bool,
    min_free: u64,
    objects: Option<Arc<dyn PackageObjects>>,
    /// Jobs whose copy and plan, by its digest, are objects already.
    already_shared: Arc<Mutex<BTreeSet<(JobId, String)>>>,
}

impl PackageStore {
    /// Opens the folder of a store, and deletes unfinished copies of an earlier daemon.
    ///
    /// # Errors
    /// When a folder cannot be created or deleted.
    pub fn open(store: &Path) -> io::Result<Self> {
        Self::for_reading(store).prepared()
    }

    /// The same for one of the nodes that share the folder. Copies of other nodes stay.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_of_node(store: &Path, node: &str) -> io::Result<Self> {
        let packages = Self::for_reading(store);
        let incoming = packages.root.join(format!("incoming-{}", node.replace('/', "_")));
        Self { incoming, is_shared: true, ..packages }.prepared()
    }

    fn prepared(self) -> io::Result<Self> {
        private_folder(&self.root)?;
        ignore_not_found(fs::remove_dir_all(&self.incoming))?;
        private_folder(&self.incoming)?;
        Ok(self)
    }

    /// Opens the folder for reading: nothing is created or deleted.
    #[must_use]
    pub fn for_reading(store: &Path) -> Self {
        let root = store.join("packages");
        let incoming = root.join("incoming");
        Self {
            root,
            incoming,
            is_shared: false,
            min_free: DEFAULT_MIN_FREE,
            objects: None,
            already_shared: Arc::default(),
        }
    }

    /// Stores the copies as objects that all nodes reach.
    #[must_use]
    pub fn with_objects(self, objects: Option<Arc<dyn PackageObjects>>) -> Self {
        Self { objects, ..self }
    }

    /// The storage of the copies, if they are objects.
    #[must_use]
    pub fn objects(&self) -> Option<&Arc<dyn PackageObjects>> {
        self.objects.as_ref()
    }

    /// An object as a file without a name, which disappears with its last user. A longer object is cut off after `max_bytes` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no object; otherwise, when it cannot be read, or the disk of the store has no space
    /// for it.
    pub fn open_object(&self, name: &str, max_bytes: u64) -> io::Result<(File, CopyFacts)> {
        let objects = self.objects.as_ref().ok_or(io::ErrorKind::NotFound)?;
        private_folder(&self.incoming)?;
        if !self.has_space_for(max_bytes) {
            let message = "the disk of the store is nearly full";
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        let path = self.incoming(&format!("result-{}-{:016x}", std::process::id(), unique_number()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        let facts = objects.fetch(name, file.try_clone()?, max_bytes)?;
        file.rewind()?;
        Ok((file, facts))
    }

    /// Whether the copies are objects: calls then take the time of the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.objects.is_some()
    }

    /// Why the storage of the copies does not respond, while it does not. Its address comes first.
    #[must_use]
    pub fn away(&self) -> Option<(String, String)> {
        let objects = self.objects.as_ref()?;
        Some((objects.place(), objects.away()?))
    }

    /// Sets the minimum of free bytes; `None` keeps the default.
    #[must_use]
    pub fn keeping_free(self, bytes: Option<u64>) -> Self {
        Self { min_free: bytes.unwrap_or(self.min_free), ..self }
    }

    /// A path for a copy that is being captured; `token` must be unique.
    #[must_use]
    pub fn incoming(&self, token: &str) -> PathBuf {
        self.incoming.join(token)
    }

    /// Path at which a result of a job is downloaded before it is delivered. An unfinished download stays there, and is
    /// continued.
    ///
    /// # Errors
    /// When its folder cannot be created.
    pub fn staged_result(&self, job: &JobId, name: &str) -> io::Result<PathBuf> {
        let folder = self.downloads(job);
        private_folder(&folder)?;
        Ok(folder.join(name))
    }

    /// Deletes the copy and the plan of a job.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn discard(&self, job: &JobId) -> io::Result<()> {
        ignore_not_found(fs::remove_dir_all(self.folder(job)))?;
        self.objects.as_ref().map_or(Ok(()), |objects| objects.delete_folder(job.as_str()))
    }

    /// Like [`Self::discard`], for a job that is not known. Keeps files that other nodes may have written in the last day: they may
    /// be about to create the job.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn discard_orphan(&self, job: &JobId) -> io::Result<()> {
        let is_old_enough = |written: SystemTime| {
            SystemTime::now().duration_since(written).is_ok_and(|age| age > MIN_ORPHAN_AGE)
        };
        let deletes_folder = match fs::metadata(self.folder(job)) {
            Ok(meta) => !self.is_shared || is_old_enough(meta.modified()?),
            Err(_) => true,
        };
        if deletes_folder {
            ignore_not_found(fs::remove_dir_all(self.folder(job)))?;
        }
        let Some(objects) = &self.objects else { return Ok(()) };
        let newest = objects.names(job.as_str())?.into_iter().map(|(_, written)| written).max();
        if newest.is_some_and(is_old_enough) { objects.delete_folder(job.as_str()) } else { Ok(()) }
    }

    /// Whether a package without a job is deleted only when it is a day old, because another node may be accepting it.
    #[must_use]
    pub fn keeps_new_orphans(&self) -> bool {
        self.is_shared || self.objects.is_some()
    }

    /// The jobs that have a copy or a plan.
    ///
    /// # Errors
    /// When the folder or the storage cannot be read.
    pub fn jobs(&self) -> io::Result<Vec<JobId>> {
        let mut jobs = self.jobs_here()?;
        if let Some(objects) = &self.objects {
            jobs.extend(objects.folders()?.iter().filter_map(|name| name.parse().ok()));
            jobs.sort();
            jobs.dedup();
        }
        Ok(jobs)
    }

    /// Those of these jobs that have a copy or a download. They are not looked up one by one if copies are objects.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn jobs_with_copy(&self, jobs: &[JobId]) -> io::Result<Vec<JobId>> {
        let Some(objects) = &self.objects else { return Ok(jobs.to_vec()) };
        let ids_with_copy: BTreeSet<_> = objects.folders_with("", "package")?.into_iter().collect();
        let has_copy = |job: &&JobId| ids_with_copy.contains(job.as_str()) || self.downloads(job).exists();
        Ok(jobs.iter().filter(has_copy).cloned().collect())
    }

    /// The jobs that have files on this machine.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn jobs_here(&self) -> io::Result<Vec<JobId>> {
        let mut jobs = Vec::new();
        for item in fs::read_dir(&self.root)? {
            jobs.extend(item?.file_name().to_str().and_then(|name| name.parse().ok()));
        }
        Ok(jobs)
    }

    /// Whether there is more free space than the minimum.
    #[must_use]
    pub fn has_free_space(&self) -> bool {
        self.has_space_for(0)
    }

    /// Whether there is more free space than the minimum after this number of bytes was stored.
    #[must_use]
    pub fn has_space_for(&self, bytes: u64) -> bool {
        self.free_space().is_ok_and(|space| space.free > space.min.saturating_add(bytes))
    }

    /// The free space of the disk, and the minimum.
    ///
    /// # Errors
    /// When the file system does not return its free space.
    pub fn free_space(&self) -> io::Result<FreeSpace> {
        let disk = rustix::fs::statvfs(&self.root)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Some file systems, such as Btrfs, do not count inodes.
        let inodes = (disk.f_files > 0).then_some(disk.f_favail);
        Ok(FreeSpace { free, min: self.min_free, inodes })
    }

    fn folder(&self, job: &JobId) -> PathBuf {
        self.root.join(job.as_str())
    }

    fn downloads(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("downloads")
    }
}

/// A number that no other file of this process has.
fn unique_number() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn ignore_not_found(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
