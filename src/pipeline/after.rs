//! What becomes of a dropped file once its job has succeeded.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::RenameFlags;

use super::context::Context;
use crate::config::model::After;
use crate::digest;
use dropship_intake::Identity;
use dropship_job::Job;

/// Does what the folder says, to a file whose bytes are still the job's; what goes wrong is told, never in the way.
pub(super) async fn act<S>(context: &Context<S>, job: &Job) {
    let after = job.package.folder.as_ref().map(|folder| context.settings.folders.after(folder));
    let (Some(after), Some(path)) = (after, job.package.path.clone()) else { return };
    if after == After::Leave {
        return;
    }
    let sha256 = job.package.sha256.clone();
    let done = tokio::task::spawn_blocking(move || carry_out(&after, Path::new(&path), &sha256)).await;
    match done {
        Ok(Ok(Some(done))) => {
            tracing::info!(job_id = %job.id, event = "after", "{}: {done}", job.package.name)
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::error!(job_id = %job.id, event = "after",
            "{}: the dropped file cannot be cleared away: {error}; give the daemon leave to write to its folder", job.package.name),
        Err(error) => tracing::error!(job_id = %job.id, event = "after", "{error}"),
    }
}

fn carry_out(after: &After, path: &Path, sha256: &str) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let same = digest::of_rest(&mut file)? == sha256;
    // Hashing takes a while: what is cleared away has to be the very file that was hashed, as it was.
    let now = Identity::from(&fs::symlink_metadata(path)?);
    if !same || Identity::from(&file.metadata()?) != now {
        return Ok(Some(format!("{} holds other bytes now and is left alone", path.display())));
    }
    match after {
        After::Leave => Ok(None),
        After::Delete => fs::remove_file(path).map(|()| Some(format!("{} deleted", path.display()))),
        After::Move(folder) => {
            let to = free_name(folder, path, sha256);
            relocate(path, &to)?;
            Ok(Some(format!("{} moved to {}", path.display(), to.display())))
        }
    }
}

/// A name in the folder that overwrites nothing.
fn free_name(folder: &Path, path: &Path, sha256: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let plain = folder.join(name);
    if !plain.exists() {
        return plain;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    folder.join(format!("{stem}-{}.{extension}", sha256.get(..16).unwrap_or(sha256)))
}

/// Renames, or copies, syncs and removes where a rename cannot reach: also between two `ReadWritePaths=` of systemd.
fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(Path::new("/")))?;
    let folder = rustix::fs::CWD;
    match rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::XDEV) => {}
        other => return Ok(other?),
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let staged = to.with_file_name(format!(".{name}.part"));
    fs::copy(from, &staged)?;
    File::open(&staged)?.sync_all()?;
    rustix::fs::renameat_with(folder, &staged, folder, to, RenameFlags::NOREPLACE)?;
    File::open(to.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    fs::remove_file(from)
}
