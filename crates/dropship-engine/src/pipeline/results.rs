//! Result files of a job: downloaded into the store, checked there, and then copied to the outbox, off the async workers.
//!
//! Others may be able to write to the outbox, so a file is never read there.

use std::io;
use std::path::{Path, PathBuf};

use super::file_work;
use crate::digest;
use crate::outbox::ResultPlace;
use crate::package_store::PackageStore;
use dropship_config::outbox_layout::METADATA;
use dropship_hardware::DriverMetadata;
use dropship_job::{Asset, Job, JobId};

/// Creates the outbox folder of the job.
pub(super) async fn prepare(outbox: &ResultPlace) -> io::Result<()> {
    let to = outbox.clone();
    file_work::run_in(outbox.outbox(), move || to.prepare()).await
}

/// Path in the store at which a result is downloaded.
pub(super) async fn staging(packages: &PackageStore, job: &JobId, name: &'static str) -> io::Result<PathBuf> {
    let (packages, job) = (packages.clone(), job.clone());
    file_work::run(move || packages.staged_result(&job, name)).await
}

/// The same for a result of this number of bytes.
///
/// # Errors
/// When the disk of the store has no space for the result.
pub(super) async fn staging_for(
    packages: &PackageStore,
    job: &JobId,
    name: &'static str,
    bytes: u64,
) -> io::Result<PathBuf> {
    if !packages.has_space_for(bytes) {
        let message = "the disk of the store is nearly full";
        return Err(io::Error::new(io::ErrorKind::StorageFull, message));
    }
    staging(packages, job, name).await
}

/// Makes the names of the delivered results durable. One sync serves all results of a job, and comes before the event that names
/// them.
pub(super) async fn sync(outbox: &ResultPlace) -> io::Result<()> {
    let to = outbox.clone();
    file_work::run_in(outbox.outbox(), move || to.sync()).await
}

/// Copies a downloaded result to the outbox, where it appears complete under its name, and deletes the download.
pub(super) async fn deliver(outbox: &ResultPlace, staged: &Path, name: &'static str) -> io::Result<Asset> {
    let (to, staged) = (outbox.clone(), staged.to_owned());
    file_work::run_on_package_in(outbox.outbox(), move |progress| {
        let asset = to.deliver(name, &staged, progress)?;
        if let Err(error) = std::fs::remove_file(&staged) {
            tracing::warn!("cannot delete the delivered download {}: {error}", staged.display());
        }
        Ok(asset)
    })
    .await
}

/// Deletes a downloaded file that must not be resumed.
pub(super) async fn discard(staged: &Path) -> io::Result<()> {
    let staged = staged.to_owned();
    file_work::run(move || std::fs::remove_file(staged)).await
}

/// Runs a check of a downloaded file.
///
/// # Errors
/// When the file has a fault, or could not be read in time.
pub(super) async fn check(
    staged: &Path,
    check: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let staged = staged.to_owned();
    match file_work::run_on_package(move || Ok(check(&staged))).await {
        Ok(verdict) => verdict,
        Err(error) => Err(error.to_string()),
    }
}

/// Checks that a result holds no secret of this process, which a proxy that echoes requests can put into it.
///
/// # Errors
/// When the file contains a secret, or cannot be read.
pub(super) fn check_secrets(path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if dropship_redact::holds_secret(&bytes) {
        return Err("it holds a secret or an access token of dropship".to_owned());
    }
    Ok(())
}

/// Masks the secrets of this process in a downloaded text.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn mask_secrets(path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    if dropship_redact::holds_secret(&bytes) {
        let masked = dropship_redact::mask(&String::from_utf8_lossy(&bytes));
        std::fs::write(path, masked).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Reads the stored driver metadata of a job.
///
/// # Errors
/// When the file cannot be read, is not driver metadata, or is not the file that was downloaded.
pub(super) async fn driver_metadata(packages: &PackageStore, job: &Job) -> io::Result<DriverMetadata> {
    let (packages, id, recorded) = (packages.clone(), job.id().clone(), recorded_metadata(job));
    file_work::run(move || read(&packages, &id, recorded.as_deref())).await
}

/// The same on a thread that may block.
///
/// # Errors
/// See [`driver_metadata`].
pub(crate) fn read_driver_metadata(packages: &PackageStore, job: &Job) -> io::Result<DriverMetadata> {
    read(packages, job.id(), recorded_metadata(job).as_deref())
}

/// Digest of the driver metadata that the job has downloaded.
fn recorded_metadata(job: &Job) -> Option<String> {
    job.files().iter().find(|file| file.name == METADATA).map(|file| file.sha256.clone())
}

fn read(packages: &PackageStore, id: &JobId, recorded: Option<&str>) -> io::Result<DriverMetadata> {
    let bytes =
        packages.read_metadata_of(id, recorded.unwrap_or_default())?.ok_or(io::ErrorKind::NotFound)?;
    if recorded != Some(&digest::of(&bytes)) {
        let message = "it is not the file that was downloaded";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> io::Result<DriverMetadata> {
    DriverMetadata::parse(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
