//! One copy of a job's results from the shared storage to the outbox of its folder.

use std::io;
use std::path::Path;

use super::after_success;
use super::folder_policies::OwnFolder;
use crate::outbox::{self, Outbox, Ownership, Receipt, ResultPlace, read_receipt};
use dropship_config::outbox_layout::ERRORS;
use dropship_job::{Asset, Job, StateKind};
use dropship_shared_folder::Progress;

/// A job of a folder that is on this node only.
pub(super) struct Delivery {
    pub(super) job: Job,
    /// Where the active node delivers.
    pub(super) from: ResultPlace,
    pub(super) folder: OwnFolder,
    pub(super) ownership: Ownership,
}

/// What a copy did.
#[derive(Debug, Default)]
pub(super) struct DeliveryOutcome {
    /// Number of results that it copied.
    pub(super) copied: usize,
    /// What it did with the dropped file.
    pub(super) after: Option<String>,
}

impl Delivery {
    /// Copies the results that the outbox does not have, then acts on the dropped file of a job that has succeeded, and writes the
    /// receipt at last: it shows what is there.
    ///
    /// # Errors
    /// When a file of the outbox or the store cannot be read or written, or a result differs from what the job has recorded.
    pub(super) fn copy(&self, progress: &Progress) -> io::Result<DeliveryOutcome> {
        let package = self.job.package();
        let is_of_job =
            |existing: &Receipt| existing.folder == package.folder && self.ownership.owns(existing);
        let (outbox, mode) = (&self.folder.outbox, self.folder.mode);
        let claim = outbox::claim(outbox, &package.name, &package.sha256, mode, &is_of_job);
        // The job is older than the key `node` of its folder, so its results are in the outbox already.
        if claim.folder == self.from.folder() {
            return Ok(DeliveryOutcome::default());
        }
        let existing = read_receipt(&claim.folder).filter(|existing| existing.id == *self.job.id());
        let to = Outbox::at(&claim.folder, mode);
        to.prepare()?;
        let missing: Vec<_> =
            self.job.files().iter().filter(|file| !lists(existing.as_ref(), file)).collect();
        // Without a receipt, the shared storage may not be mounted. A result that is missing here may then be on it.
        if !missing.is_empty() && fetch(&self.from, progress, ResultPlace::receipt)?.is_none() {
            let message = format!("{} has no receipt", self.from.folder().display());
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let mut done = DeliveryOutcome::default();
        for file in missing {
            done.copied += usize::from(copy(&to, &self.from, file, progress)?);
        }
        if !self.job.files().iter().any(|file| file.name == ERRORS) {
            copy_report(&to, &self.from, progress)?;
        }
        to.sync()?;
        let is_new = existing.is_none_or(|existing| existing.state != StateKind::Succeeded);
        if self.job.state().kind() == StateKind::Succeeded && is_new {
            done.after = self.act_on_dropped_file(progress)?;
        }
        let mut receipt = Receipt::of(&self.job, false);
        self.ownership.mark_as_own(&mut receipt);
        receipt.outbox = claim.folder.to_string_lossy().into_owned();
        to.write_receipt(&receipt)?;
        Ok(done)
    }

    fn act_on_dropped_file(&self, progress: &Progress) -> io::Result<Option<String>> {
        let package = self.job.package();
        let Some(path) = &package.path else { return Ok(None) };
        let OwnFolder { path: root, after, .. } = &self.folder;
        after_success::carry_out(after, root, Path::new(path), package, progress)
    }
}

/// Whether the receipt in the outbox shows this result: it was copied before the receipt was written.
fn lists(existing: Option<&Receipt>, file: &Asset) -> bool {
    existing.is_some_and(|existing| existing.files.contains(file))
}

/// What is read from the shared storage. A slow read does not count as a hung outbox: the client of object storage has time limits
/// of its own.
fn fetch<T>(from: &ResultPlace, progress: &Progress, read: impl FnOnce(&ResultPlace) -> T) -> T {
    if matches!(from, ResultPlace::Objects(_)) {
        progress.pause();
    }
    let value = read(from);
    progress.advance();
    value
}

/// Copies a result. One that `outbox_keep` has removed in the meantime is left out.
fn copy(to: &Outbox, from: &ResultPlace, file: &Asset, progress: &Progress) -> io::Result<bool> {
    let from = match fetch(from, progress, |from| from.open(&file.name, Some(file))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let is_same = |copied: &Asset| copied == file;
    to.deliver_if(&file.name, &mut progress.reader(&from), Some(&from), is_same)?;
    Ok(true)
}

/// Copies the error report, which the job does not record.
fn copy_report(to: &Outbox, from: &ResultPlace, progress: &Progress) -> io::Result<()> {
    match fetch(from, progress, |from| from.open(ERRORS, None)) {
        Ok(from) => to.deliver_clone(ERRORS, &mut progress.reader(&from), Some(&from)).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
