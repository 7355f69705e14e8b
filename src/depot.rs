//! The captured copies of accepted packages, each with its dossier: what is uploaded, and by which plan.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest;
use dropship_job::JobId;
use dropship_package::Facts;
use dropship_rules::plan::Plan;
use dropship_rules::vars::Vars;

/// Below so many free bytes nothing more is captured, unless configured otherwise: the journal has to go on.
const MIN_FREE: u64 = 256 << 20;

/// What is written down of a package when it is let in. Jobs keep the plan that they began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dossier {
    /// What inspection learnt.
    pub facts: Facts,
    /// What the rule asks for, rendered.
    pub plan: Plan,
    /// What its sidecar set.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
}

/// Where the copies are: `<store>/packages`.
#[derive(Debug, Clone)]
pub struct Depot {
    root: PathBuf,
    min_free: u64,
}

impl Depot {
    /// Opens the depot of a store, and throws away what was being captured when the daemon ended.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(store: &Path) -> io::Result<Self> {
        let depot = Self { root: store.join("packages"), min_free: MIN_FREE };
        private_folder(&depot.root)?;
        let staging = depot.root.join("incoming");
        if staging.exists() {
            fs::remove_dir_all(&staging)?;
        }
        private_folder(&staging)?;
        Ok(depot)
    }

    /// The depot of a store as it lies there, to look at.
    #[must_use]
    pub fn look(store: &Path) -> Self {
        Self { root: store.join("packages"), min_free: MIN_FREE }
    }

    /// Keeps so many bytes free instead of what is usual.
    #[must_use]
    pub fn keeping_free(self, bytes: Option<u64>) -> Self {
        Self { min_free: bytes.unwrap_or(self.min_free), ..self }
    }

    /// A path for a copy that is being made; `token` tells it from others.
    #[must_use]
    pub fn incoming(&self, token: &str) -> PathBuf {
        self.root.join("incoming").join(token)
    }

    /// The copy of a job's package.
    #[must_use]
    pub fn package(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("package")
    }

    /// Takes a captured copy in as a job's package and writes its dossier, both durably; gives the dossier's digest.
    ///
    /// # Errors
    /// What the file system says.
    pub fn admit(&self, job: &JobId, incoming: &Path, dossier: &Dossier) -> io::Result<String> {
        let folder = self.folder(job);
        private_folder(&folder)?;
        let text = serde_json::to_vec(dossier)?;
        let mut file = File::create(self.dossier_path(job))?;
        file.write_all(&text)?;
        let package = self.package(job);
        fs::rename(incoming, &package)?;
        // All of it first, then the syncs: the first brings most of what the others ask for to the disk.
        File::open(package)?.sync_all()?;
        file.sync_all()?;
        for folder in [&folder, &self.root] {
            File::open(folder)?.sync_all()?;
        }
        Ok(digest::of(&text))
    }

    /// Reads a job's dossier and proves that it is the one with this digest.
    ///
    /// # Errors
    /// What the file system says, or that the dossier was changed.
    pub fn dossier(&self, job: &JobId, digest: &str) -> io::Result<Dossier> {
        let path = self.dossier_path(job);
        let text = fs::read(&path)?;
        if crate::digest::of(&text) != digest {
            let message = format!("{} was changed since the package was let in", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(serde_json::from_slice(&text)?)
    }

    /// The digest of a job's dossier as it lies there, if one does.
    #[must_use]
    pub fn dossier_digest(&self, job: &JobId) -> Option<String> {
        fs::read(self.dossier_path(job)).ok().map(|text| digest::of(&text))
    }

    /// Forgets the copy, not the dossier: labels are still made from its plan.
    ///
    /// # Errors
    /// What the file system says.
    pub fn discard_copy(&self, job: &JobId) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.package(job)))
    }

    /// Forgets everything of a job.
    ///
    /// # Errors
    /// What the file system says.
    pub fn discard(&self, job: &JobId) -> io::Result<()> {
        absent_is_fine(fs::remove_dir_all(self.folder(job)))
    }

    /// The jobs that have a folder here.
    ///
    /// # Errors
    /// What the file system says.
    pub fn jobs(&self) -> io::Result<Vec<JobId>> {
        let mut jobs = Vec::new();
        for item in fs::read_dir(&self.root)? {
            jobs.extend(item?.file_name().to_str().and_then(|name| name.parse().ok()));
        }
        Ok(jobs)
    }

    /// Is there more free space than has to stay free?
    #[must_use]
    pub fn has_room(&self) -> bool {
        rustix::fs::statvfs(&self.root)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) > self.min_free)
    }

    fn folder(&self, job: &JobId) -> PathBuf {
        self.root.join(job.as_str())
    }

    fn dossier_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("dossier.json")
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
