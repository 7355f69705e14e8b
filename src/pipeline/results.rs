//! Result files of a job in its outbox, written and read off the async workers.

use std::fs::File;
use std::io;
use std::path::Path;

use super::file_work;
use crate::digest;
use crate::outbox::{CERTIFICATION, METADATA, Outbox, SHELL, SIGNED};
use crate::package_store::PackageStore;
use dropship_hardware::DriverMetadata;
use dropship_job::{Asset, Job, JobId};

/// Creates the folder of the job.
pub(super) async fn prepare(outbox: &Outbox) -> io::Result<()> {
    let outbox = outbox.clone();
    file_work::run(move || outbox.prepare()).await
}

/// Makes a staged file appear under its name; it is synced before.
pub(super) async fn publish(outbox: &Outbox, name: &'static str) -> io::Result<()> {
    let outbox = outbox.clone();
    file_work::run_on_package(move || outbox.publish(name)).await
}

/// Deletes a staged file that must not be resumed.
pub(super) async fn discard_staged(outbox: &Outbox, name: &'static str) -> io::Result<()> {
    let staged = outbox.staging(name);
    file_work::run(move || std::fs::remove_file(staged)).await
}

/// Runs a check of a staged file.
///
/// # Errors
/// What is wrong with the file, or that it could not be read in time.
pub(super) async fn check_staged(
    outbox: &Outbox,
    name: &'static str,
    check: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let staged = outbox.staging(name);
    match file_work::run_on_package(move || Ok(check(&staged))).await {
        Ok(verdict) => verdict,
        Err(error) => Err(error.to_string()),
    }
}

/// The result files that exist, with size and digest.
async fn existing(outbox: &Outbox) -> io::Result<Vec<Asset>> {
    let folder = outbox.folder().to_owned();
    file_work::run_on_package(move || {
        let mut files = Vec::new();
        for name in [SIGNED, METADATA, CERTIFICATION, SHELL] {
            let path = folder.join(name);
            if path.exists() {
                let (sha256, size) = digest::copy(&mut File::open(&path)?, &mut io::sink())?;
                files.push(Asset { name: name.to_owned(), size, sha256 });
            }
        }
        Ok(files)
    })
    .await
}

/// The result files of a job. For the driver metadata, the stored copy counts: the file in the outbox may have been changed
/// since.
pub(super) async fn collected(
    outbox: &Outbox,
    packages: &PackageStore,
    job: &JobId,
) -> io::Result<Vec<Asset>> {
    let mut files = existing(outbox).await?;
    let stored = packages.metadata(job);
    let kept = file_work::run(move || match stored.exists() {
        true => digest::copy(&mut File::open(stored)?, &mut io::sink()).map(Some),
        false => Ok(None),
    });
    if let (Some(file), Some((sha256, size))) =
        (files.iter_mut().find(|file| file.name == METADATA), kept.await?)
    {
        (file.sha256, file.size) = (sha256, size);
    }
    Ok(files)
}

/// Reads the stored driver metadata of a job.
///
/// # Errors
/// When the file cannot be read, is not driver metadata, or is not the file that was downloaded.
pub(super) async fn driver_metadata(packages: &PackageStore, job: &Job) -> io::Result<DriverMetadata> {
    let path = packages.metadata(job.id());
    let recorded = job.files().iter().find(|file| file.name == METADATA).map(|file| file.sha256.clone());
    file_work::run(move || {
        let bytes = std::fs::read(&path)?;
        if recorded.as_deref() != Some(&digest::of(&bytes)) {
            let message = "it is not the file that was downloaded";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        parse(&bytes)
    })
    .await
}

fn parse(bytes: &[u8]) -> io::Result<DriverMetadata> {
    DriverMetadata::parse(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
