//! Results of a job for commands whose user cannot read the outbox.

use std::fs::File;
use std::io;

use super::error::{ControlError, ControlErrorKind};
use crate::outbox::{Receipt, ResultPlace};
use crate::package_store::PackageStore;
use dropship_config::outbox_layout::{ERRORS, RECEIPT};
use dropship_job::Asset;

/// Opens a result of a job in its outbox.
///
/// # Errors
/// When the job has no such result, or it cannot be opened.
pub(super) fn open(packages: &PackageStore, job: &Receipt, name: &str) -> Result<File, ControlError> {
    read(packages, job, name, |place, recorded| place.open(name, recorded))
}

/// The size of a result of a job in bytes.
///
/// # Errors
/// As [`open`].
pub(super) fn size(packages: &PackageStore, job: &Receipt, name: &str) -> Result<u64, ControlError> {
    read(packages, job, name, |place, recorded| place.size(name, recorded))
}

fn read<T>(
    packages: &PackageStore,
    job: &Receipt,
    name: &str,
    read: impl FnOnce(&ResultPlace, Option<&Asset>) -> io::Result<T>,
) -> Result<T, ControlError> {
    let recorded = job.files.iter().find(|file| file.name == name);
    let not_found = |why: String| {
        let message = format!("cannot open the result `{name}` of job {}: {why}", job.id);
        ControlError::new(ControlErrorKind::NotFound, message)
    };
    if recorded.is_none() && ![ERRORS, RECEIPT].contains(&name) {
        return Err(not_found("the job has no such result".to_owned()));
    }
    let place = ResultPlace::of(packages, &job.outbox, None);
    read(&place, recorded).map_err(|error| not_found(format!("{}: {error}", job.outbox)))
}
