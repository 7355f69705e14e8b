//! The plans of jobs. An event names the digest of the plan in force.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::objects::names;
use super::records::PlanSnapshot;
use super::{PackageStore, private_folder};
use crate::digest;
use dropship_job::JobId;

impl PackageStore {
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
        let read = fs::read(&path);
        if read.as_ref().is_ok_and(|text| digest::of(text) == digest) {
            return read;
        }
        let (text, place) = match &self.objects {
            None => (read?, path.display().to_string()),
            Some(objects) => {
                let name = names::plan(job, digest);
                let text = objects.get(&name)?.ok_or(io::ErrorKind::NotFound)?;
                (text, format!("{}/{name}", objects.place()))
            }
        };
        if digest::of(&text) != digest {
            let message = format!("{place} was changed after the package was accepted");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.keep_here(job, &path, &text);
        Ok(text)
    }

    /// Stores the text of a job's plan from another store.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_plan(&self, job: &JobId, text: &[u8]) -> io::Result<()> {
        private_folder(&self.folder(job))?;
        let mut file = File::create(self.snapshot_path(job))?;
        file.write_all(text)?;
        file.sync_all()?;
        File::open(self.folder(job))?.sync_all()?;
        self.share_plan(job, &digest::of(text), text)
    }

    /// Makes an object of the text of a plan, and reads it again. Its name has the digest, so it may be written twice.
    pub(super) fn share_plan(&self, job: &JobId, digest: &str, text: &[u8]) -> io::Result<()> {
        let Some(objects) = &self.objects else { return Ok(()) };
        let name = names::plan(job, digest);
        objects.put(&name, text.to_vec())?;
        if objects.get(&name)?.as_deref() == Some(text) {
            return Ok(());
        }
        let message = format!("{}/{name} has other bytes than were written to it", objects.place());
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
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
        let digest = digest::of(&text);
        self.share_plan(job, &digest, &text)?;
        Ok(digest)
    }

    /// The digest of a job's stored plan, if there is one.
    #[must_use]
    pub fn plan_digest(&self, job: &JobId) -> Option<String> {
        let text = fs::read(self.staged_path(job)).or_else(|_| fs::read(self.snapshot_path(job)));
        let newest = || {
            let names = self.objects.as_ref()?.names(job.as_str()).ok()?;
            let plans = names.iter().filter_map(|(name, at)| Some((at, names::digest_of_plan(name)?)));
            plans.max().map(|(_, digest)| digest.to_owned())
        };
        text.ok().map(|text| digest::of(&text)).or_else(newest)
    }

    /// The plan that a retry has made; it takes effect when an event names its digest.
    fn staged_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("dossier-new.json")
    }

    pub(super) fn snapshot_path(&self, job: &JobId) -> PathBuf {
        self.folder(job).join("dossier.json")
    }
}
