//! Driver metadata, and facts of rejected packages. If they are objects, this machine keeps copies of those that it has read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::objects::names;
use super::records::RejectedPackage;
use super::{PackageStore, ignore_not_found, private_folder, unique_number};
use crate::digest;
use dropship_job::JobId;

/// Maximum size in bytes of the stored facts of a rejected package. They only serve to plan it again for comparison.
const MAX_REJECTED: usize = 1 << 20;

impl PackageStore {
    /// Keeps a copy of a small object as a file, which is read next time. A copy that cannot be written is not needed.
    pub(super) fn keep_here(&self, job: &JobId, path: &Path, bytes: &[u8]) {
        let result = private_folder(&self.folder(job)).and_then(|()| {
            let staged = path.with_extension(format!("{:016x}", unique_number()));
            fs::write(&staged, bytes)?;
            fs::rename(staged, path)
        });
        if let Err(error) = result {
            tracing::debug!("cannot keep a copy at {}: {error}", path.display());
        }
    }

    /// Reads a small file, or else the object of the name: also if the file has another digest.
    fn read_small(
        &self,
        job: &JobId,
        path: &Path,
        name: &str,
        digest: Option<&str>,
    ) -> io::Result<Option<Vec<u8>>> {
        let read = match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let is_wanted = |bytes: &Vec<u8>| digest.is_none_or(|digest| digest::of(bytes) == *digest);
        let Some(objects) = self.objects.as_ref().filter(|_| !read.as_ref().is_some_and(is_wanted)) else {
            return Ok(read);
        };
        let found = objects.get(name)?;
        if let Some(bytes) = &found {
            self.keep_here(job, path, bytes);
        }
        Ok(found)
    }

    /// Stores the facts of a package that the rules rejected; facts of more than 1 MiB are not stored.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_rejected(&self, job: &JobId, rejected: &RejectedPackage) -> io::Result<()> {
        let text = serde_json::to_vec(rejected)?;
        if text.len() > MAX_REJECTED {
            return ignore_not_found(fs::remove_file(self.rejected_path(job)));
        }
        self.keep_rejected_text(job, &text)
    }

    /// Stores the text of the facts of a rejected package from another store.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_rejected_text(&self, job: &JobId, text: &[u8]) -> io::Result<()> {
        let folder = self.folder(job);
        private_folder(&folder)?;
        let staged = folder.join("rejected.new");
        fs::write(&staged, text)?;
        fs::rename(staged, self.rejected_path(job))?;
        self.objects.as_ref().map_or(Ok(()), |objects| objects.put(&names::rejected(job), text.to_vec()))
    }

    /// The JSON text of the facts of a rejected package, on one line; `None` if they are not stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rejected_text(&self, job: &JobId) -> io::Result<Option<Vec<u8>>> {
        self.read_small(job, &self.rejected_path(job), &names::rejected(job), None)
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
        File::open(folder)?.sync_all()?;
        self.objects.as_ref().map_or(Ok(()), |objects| objects.put(&names::metadata(job), metadata.to_vec()))
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
        self.read_small(job, &self.metadata(job), &names::metadata(job), None)
    }

    /// The same for metadata with this digest. A file of this machine with another one is read again from the storage of all nodes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_metadata_of(&self, job: &JobId, digest: &str) -> io::Result<Option<Vec<u8>>> {
        self.read_small(job, &self.metadata(job), &names::metadata(job), Some(digest))
    }

    pub(super) fn rejected_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("rejected.json")
    }
}
