//! Stores the captured copies of packages, each with the plan of its job, and later its driver metadata.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest;
use dropship_job::JobId;
use dropship_package::Facts;
use dropship_rules::Planning;
use dropship_rules::plan::Plan;
use dropship_rules::vars::Vars;

/// Maximum size in bytes of the stored facts of a rejected package. They only serve to plan it again for comparison.
const MAX_REJECTED: usize = 1 << 20;

/// Default minimum of free space in bytes. With less, no package is captured, so that the journal can still grow.
pub const MIN_FREE: u64 = 256 << 20;

/// Facts and plan of a package at its admission, stored as `dossier.json`. Later changes of the rules do not affect it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSnapshot {
    /// The facts from inspection.
    pub facts: Facts,
    /// The rendered requests of the rule.
    pub plan: Plan,
    /// Variables from its sidecar.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
    /// How the plan was made; absent in plans of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning: Option<Planning>,
}

/// Facts of a package that passed the inspection and that the rules rejected, stored as `rejected.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedPackage {
    /// The facts from inspection.
    pub facts: Facts,
    /// Variables from its sidecar.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
    /// How a plan was attempted.
    pub planning: Planning,
    /// The rule that could not be carried out; absent if no rule matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it was rejected.
    pub reason: String,
}

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

/// The folder `<store>/packages`.
#[derive(Debug, Clone)]
pub struct PackageStore {
    root: PathBuf,
    min_free: u64,
}

impl PackageStore {
    /// Names of the files of a job that a copy of the store needs. Unfinished downloads are started again.
    pub const KEPT: [&str; 5] =
        ["package", "dossier.json", "dossier-new.json", "rejected.json", "driver-metadata.json"];

    /// Opens the folder of a store, and deletes unfinished copies of an earlier daemon.
    ///
    /// # Errors
    /// When a folder cannot be created or deleted.
    pub fn open(store: &Path) -> io::Result<Self> {
        let packages = Self { root: store.join("packages"), min_free: MIN_FREE };
        private_folder(&packages.root)?;
        let staging = packages.root.join("incoming");
        if staging.exists() {
            fs::remove_dir_all(&staging)?;
        }
        private_folder(&staging)?;
        Ok(packages)
    }

    /// Opens the folder for reading: nothing is created or deleted.
    #[must_use]
    pub fn for_reading(store: &Path) -> Self {
        Self { root: store.join("packages"), min_free: MIN_FREE }
    }

    /// Sets the minimum of free bytes; `None` keeps the default.
    #[must_use]
    pub fn keeping_free(self, bytes: Option<u64>) -> Self {
        Self { min_free: bytes.unwrap_or(self.min_free), ..self }
    }

    /// A path for a copy that is being captured; `token` must be unique.
    #[must_use]
    pub fn incoming(&self, token: &str) -> PathBuf {
        self.root.join("incoming").join(token)
    }

    /// The copy of a job's package.
    #[must_use]
    pub fn package(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("package")
    }

    /// A file of a job, by its name.
    #[must_use]
    pub fn file(&self, job: &JobId, name: &str) -> PathBuf {
        self.folder(job).join(name)
    }

    /// Creates the folder of a job.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn prepare(&self, job: &JobId) -> io::Result<()> {
        private_folder(&self.folder(job))
    }

    /// Stores a captured copy and its plan for a job, both durably; returns the digest of the plan.
    ///
    /// # Errors
    /// When a file cannot be written or renamed.
    pub fn admit(&self, job: &JobId, incoming: &Path, snapshot: &PlanSnapshot) -> io::Result<String> {
        let folder = self.folder(job);
        private_folder(&folder)?;
        let text = serde_json::to_vec(snapshot)?;
        let mut file = File::create(self.snapshot_path(job))?;
        file.write_all(&text)?;
        absent_is_fine(fs::remove_file(self.rejected_path(job)))?;
        let package = self.package(job);
        fs::rename(incoming, &package)?;
        // Everything is written before the first sync, which then does most of the work of the later ones.
        File::open(package)?.sync_all()?;
        file.sync_all()?;
        for folder in [&folder, &self.root] {
            File::open(folder)?.sync_all()?;
        }
        Ok(digest::of(&text))
    }

    /// Reads the plan of a job and verifies its digest.
    ///
    /// # Errors
    /// When the file cannot be read, or was changed.
    pub fn plan_snapshot(&self, job: &JobId, digest: &str) -> io::Result<PlanSnapshot> {
        Ok(serde_json::from_slice(&self.plan_text(job, digest)?)?)
    }

    /// The JSON text of the plan of a job, on one line, after its digest was verified.
    ///
    /// # Errors
    /// When the file cannot be read, or was changed.
    pub fn plan_text(&self, job: &JobId, digest: &str) -> io::Result<Vec<u8>> {
        if let Ok(text) = fs::read(self.staged_path(job))
            && digest::of(&text) == digest
        {
            return Ok(text);
        }
        let path = self.snapshot_path(job);
        let text = fs::read(&path)?;
        if digest::of(&text) != digest {
            let message = format!("{} was changed after the package was accepted", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(text)
    }

    /// Stores the facts of a package that the rules rejected; facts of more than 1 MiB are not stored.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_rejected(&self, job: &JobId, rejected: &RejectedPackage) -> io::Result<()> {
        let text = serde_json::to_vec(rejected)?;
        if text.len() > MAX_REJECTED {
            return absent_is_fine(fs::remove_file(self.rejected_path(job)));
        }
        let folder = self.folder(job);
        private_folder(&folder)?;
        let staged = folder.join("rejected.new");
        fs::write(&staged, text)?;
        fs::rename(staged, self.rejected_path(job))
    }

    /// The JSON text of the facts of a rejected package, on one line; `None` if they are not stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rejected_text(&self, job: &JobId) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.rejected_path(job)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores a new plan of a job durably and returns its digest. The plan with the digest `current` stays until an event
    /// names the new one.
    ///
    /// # Errors
    /// When a file cannot be written or renamed.
    pub fn stage_plan(&self, job: &JobId, current: &str, snapshot: &PlanSnapshot) -> io::Result<String> {
        let staged = self.staged_path(job);
        if fs::read(&staged).is_ok_and(|text| digest::of(&text) == current) {
            fs::rename(&staged, self.snapshot_path(job))?;
        }
        let text = serde_json::to_vec(snapshot)?;
        let mut file = File::create(&staged)?;
        file.write_all(&text)?;
        file.sync_all()?;
        File::open(self.folder(job))?.sync_all()?;
        Ok(digest::of(&text))
    }

    /// The digest of a job's stored plan, if there is one.
    #[must_use]
    pub fn plan_digest(&self, job: &JobId) -> Option<String> {
        let text = fs::read(self.staged_path(job)).or_else(|_| fs::read(self.snapshot_path(job)));
        text.ok().map(|text| digest::of(&text))
    }

    /// Stores the driver metadata of a job durably, for the labels that are created from them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_metadata(&self, job: &JobId, metadata: &[u8]) -> io::Result<()> {
        let folder = self.folder(job);
        private_folder(&folder)?;
        let (staged, path) = (folder.join("driver-metadata.new"), self.metadata(job));
        let mut file = File::create(&staged)?;
        file.write_all(metadata)?;
        file.sync_all()?;
        fs::rename(staged, path)?;
        File::open(folder)?.sync_all()
    }

    /// The stored driver metadata of a job.
    #[must_use]
    pub fn metadata(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("driver-metadata.json")
    }

    /// Reads the stored driver metadata of a job; `None` if there are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_metadata(&self, job: &JobId) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.metadata(job)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
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

    /// Deletes the copy and unfinished downloads. The plan is kept, because labels are still created from it.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn discard_copy(&self, job: &JobId) -> io::Result<()> {
        absent_is_fine(fs::remove_dir_all(self.downloads(job)))?;
        absent_is_fine(fs::remove_file(self.package(job)))
    }

    /// Deletes the copy and the plan of a job.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn discard(&self, job: &JobId) -> io::Result<()> {
        absent_is_fine(fs::remove_dir_all(self.folder(job)))
    }

    /// The jobs that have a copy or a plan.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn jobs(&self) -> io::Result<Vec<JobId>> {
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

    /// Whether there is more free space than the minimum once so many bytes are stored.
    #[must_use]
    pub fn has_space_for(&self, bytes: u64) -> bool {
        self.free_space().is_ok_and(|space| space.free > space.min.saturating_add(bytes))
    }

    /// The free space of the disk, and the minimum.
    ///
    /// # Errors
    /// When the file system cannot be asked.
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

    /// The plan that a retry has made; it takes effect when an event names its digest.
    fn staged_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("dossier-new.json")
    }

    fn rejected_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("rejected.json")
    }

    fn snapshot_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("dossier.json")
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
