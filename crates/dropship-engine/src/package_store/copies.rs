//! The copies of packages: files of this machine, or objects.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::local_copy::LocalCopy;
use super::objects::{CopyFacts, names};
use super::records::PlanSnapshot;
use super::{PackageStore, ignore_not_found, private_folder, unique_number};
use crate::digest;
use dropship_job::JobId;

impl PackageStore {
    /// The copy of a job's package as a file of this machine. An object with more than `size` bytes, those of the package, is cut off.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no copy; otherwise, when it cannot be read.
    pub fn local_copy(&self, job: &JobId, size: u64) -> io::Result<LocalCopy> {
        let local_path = self.package(job);
        let Some(objects) = self.objects.as_ref().filter(|_| !local_path.exists()) else {
            File::open(&local_path)?;
            return Ok(LocalCopy::kept(local_path));
        };
        let copy = LocalCopy::fetched(self.incoming(&format!("{job}-{:016x}", unique_number())));
        objects.fetch(&names::package(job), File::create(copy.path())?, size)?;
        Ok(copy)
    }

    /// Reads the copy of a job's package.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no copy; otherwise, when it cannot be read.
    pub fn copy_facts(&self, job: &JobId) -> io::Result<CopyFacts> {
        let local_path = self.package(job);
        match self.objects.as_ref().filter(|_| !local_path.exists()) {
            Some(objects) => objects.facts(&names::package(job)),
            None => {
                Ok(CopyFacts { sha256: digest::of_file(&local_path)?, size: local_path.metadata()?.len() })
            }
        }
    }

    /// Whether there is a copy of a job's package.
    ///
    /// # Errors
    /// When the storage cannot be read.
    pub fn has_copy(&self, job: &JobId) -> io::Result<bool> {
        if self.package(job).exists() {
            return Ok(true);
        }
        let Some(objects) = &self.objects else { return Ok(false) };
        Ok(objects.names(job.as_str())?.iter().any(|(name, _)| name == "package"))
    }

    /// The place of the copy of a job's package, for messages.
    #[must_use]
    pub fn copy_name(&self, job: &JobId) -> String {
        match &self.objects {
            Some(objects) => format!("{}/{}", objects.place().trim_end_matches('/'), names::package(job)),
            None => self.package(job).display().to_string(),
        }
    }

    pub(super) fn package(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("package")
    }

    /// Stores a captured copy and its plan for a job, both durably; returns the digest of the plan.
    ///
    /// # Errors
    /// When a file or an object cannot be written.
    pub fn admit(&self, job: &JobId, incoming: &Path, snapshot: &PlanSnapshot) -> io::Result<String> {
        let text = serde_json::to_vec(snapshot)?;
        self.admit_text(job, incoming, &text)?;
        let digest = digest::of(&text);
        if let Err(error) = self.share(job, &digest, &text) {
            ignore_not_found(fs::remove_file(self.snapshot_path(job)))?;
            ignore_not_found(fs::remove_file(self.package(job)))?;
            // It stays if it has anything else.
            drop(fs::remove_dir(self.folder(job)));
            return Err(error);
        }
        Ok(digest)
    }

    /// Makes objects of a captured copy and its plan before the job exists, for a caller that will hold a lock then:
    /// [`admit`](Self::admit) finds them. Does nothing if copies are files.
    ///
    /// # Errors
    /// When an object cannot be written. None is left then, unless the storage is away.
    pub fn share_ahead(&self, job: &JobId, incoming: &Path, snapshot: &PlanSnapshot) -> io::Result<()> {
        let Some(objects) = &self.objects else { return Ok(()) };
        let text = serde_json::to_vec(snapshot)?;
        let digest = digest::of(&text);
        objects.put_new(&names::package(job), incoming)?;
        self.share_plan(job, &digest, &text)?;
        self.already_shared.lock().insert((job.clone(), digest));
        Ok(())
    }

    /// Makes objects of the copy and the plan of a job. The copy on this machine is not needed any more then.
    fn share(&self, job: &JobId, digest: &str, text: &[u8]) -> io::Result<()> {
        let Some(objects) = &self.objects else { return Ok(()) };
        if !self.already_shared.lock().remove(&(job.clone(), digest.to_owned())) {
            objects.put_new(&names::package(job), &self.package(job))?;
            self.share_plan(job, digest, text)?;
        }
        ignore_not_found(fs::remove_file(self.package(job)))
    }

    /// Stores a captured copy and the text of its plan as files.
    fn admit_text(&self, job: &JobId, incoming: &Path, text: &[u8]) -> io::Result<()> {
        let folder = self.folder(job);
        private_folder(&folder)?;
        let mut file = File::create(self.snapshot_path(job))?;
        file.write_all(text)?;
        ignore_not_found(fs::remove_file(self.rejected_path(job)))?;
        let package = self.package(job);
        fs::rename(incoming, &package)?;
        // Everything is written before the first sync, which then does most of the work of the later ones.
        File::open(package)?.sync_all()?;
        file.sync_all()?;
        for folder in [&folder, &self.root] {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Stores the copy of a job's package from another store.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_copy(&self, job: &JobId, original: &Path) -> io::Result<()> {
        private_folder(&self.folder(job))?;
        if let Some(objects) = &self.objects {
            return objects.put_new(&names::package(job), original);
        }
        let staged = self.incoming(&format!("{job}-{:016x}", unique_number()));
        let mut copy = File::create(&staged)?;
        digest::copy(&mut File::open(original)?, &mut copy)?;
        copy.sync_all()?;
        fs::rename(staged, self.package(job))?;
        File::open(self.folder(job))?.sync_all()
    }

    /// Deletes the copy and unfinished downloads. The plan is kept, because labels are still created from it.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn discard_copy(&self, job: &JobId) -> io::Result<()> {
        ignore_not_found(fs::remove_dir_all(self.downloads(job)))?;
        ignore_not_found(fs::remove_file(self.package(job)))?;
        self.objects.as_ref().map_or(Ok(()), |objects| objects.delete(&names::package(job)))
    }
}
