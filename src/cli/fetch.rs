//! Copies the results of a job to a folder of the caller, through the control socket: the caller need not be able to read the
//! outbox.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::control::Client;
use dropship_config::outbox_layout::{ERRORS, RECEIPT};
use dropship_engine::digest;
use dropship_engine::operations::ControlErrorKind;
use dropship_engine::outbox::Receipt;
use dropship_redact::Escaped;

/// Removes the staged copies.
struct Staging(PathBuf);

impl Drop for Staging {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Advice if this user may not read the results of a job.
pub(super) fn advice_if_hidden(job: &Receipt) -> Option<String> {
    let outbox = fs::read_dir(&job.outbox);
    let is_hidden = outbox.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    is_hidden
        .then(|| format!("this user may not read that: `dropship wait {} --fetch DIR` copies them", job.id))
}

/// Copies all results to `folder`, which is created if needed. Either all of them appear there or none. Existing files are
/// replaced, links are replaced instead of followed.
///
/// # Errors
/// When a result cannot be read, differs from what the job recorded, or cannot be written.
pub(super) async fn fetch(daemon: &Client, job: &Receipt, folder: &Path) -> anyhow::Result<Vec<String>> {
    let failed = || format!("cannot copy the results of job {} to {}", job.id, folder.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let staging = Staging(folder.join(format!(".dropship-{}-{}", job.id, std::process::id())));
    fs::create_dir(&staging.0).with_context(failed)?;
    let mut names = Vec::new();
    for file in &job.files {
        if Path::new(&file.name).file_name().is_none_or(|name| name != file.name.as_str()) {
            bail!("{}: `{}` is no file name", failed(), Escaped(&file.name));
        }
        let (size, sha256) = copy(daemon, job, &file.name, &staging.0).await.with_context(failed)?;
        if (size, &sha256) != (file.size, &file.sha256) {
            bail!(
                "{}: {} in the outbox {} was changed after it was delivered; copy the results from a backup of the outbox",
                failed(),
                file.name,
                job.outbox
            );
        }
        names.push(file.name.clone());
    }
    for name in [ERRORS, RECEIPT] {
        match copy(daemon, job, name, &staging.0).await {
            Ok(_) => names.push(name.to_owned()),
            Err(error) if is_absent(&error) => drop(fs::remove_file(staging.0.join(name))),
            Err(error) => return Err(error).with_context(failed),
        }
    }
    if let Some(name) = names.iter().find(|name| folder.join(name).is_dir()) {
        bail!("{}: {} is a folder", failed(), folder.join(name).display());
    }
    for name in &names {
        fs::rename(staging.0.join(name), folder.join(name)).with_context(failed)?;
    }
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)?;
    Ok(names)
}

fn is_absent(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<dropship_engine::operations::ControlError>();
    error.is_some_and(|error| error.kind == ControlErrorKind::NotFound)
}

/// Copies one result; returns its size and digest.
async fn copy(daemon: &Client, job: &Receipt, name: &str, to: &Path) -> anyhow::Result<(u64, String)> {
    let path = to.join(name);
    let mut file = File::create_new(&path)?;
    daemon.result(&job.id, name, &mut |piece| file.write_all(piece)).await?;
    file.sync_all()?;
    Ok((file.metadata()?.len(), digest::of_file(&path)?))
}
