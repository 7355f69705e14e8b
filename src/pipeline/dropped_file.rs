//! `after` of a folder: deletes or moves the dropped file once its job has succeeded.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::RenameFlags;

use super::file_work;
use super::folder_policies::FolderPolicies;
use crate::config::model::AfterSuccess;
use crate::digest;
use dropship_job::Job;

/// Deletes, moves or leaves the dropped file, as the folder says. A file whose bytes are no longer the job's is left
/// alone. An error is logged and does not stop the job.
pub(super) async fn apply_after(folders: &FolderPolicies, job: &Job) {
    let after = job.package().folder.as_ref().map(|folder| folders.after(folder));
    let (Some(after), Some(path)) = (after, job.package().path.clone()) else { return };
    if after == AfterSuccess::Leave {
        return;
    }
    let sha256 = job.package().sha256.clone();
    let (name, source) = (&job.package().name, path.clone());
    let done = file_work::run_on_package(move || carry_out(&after, Path::new(&path), &sha256)).await;
    match done {
        Ok(Some(done)) => tracing::info!(job_id = %job.id(), event = "after", "{name}: {done}"),
        Ok(None) => {}
        Err(error) => tracing::error!(job_id = %job.id(), event = "after",
            "{name}: cannot delete or move the dropped file {source}: {error}; grant the daemon write access to its folder"),
    }
}

fn carry_out(after: &AfterSuccess, path: &Path, sha256: &str) -> io::Result<Option<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let same = digest::of_rest(&mut file)? == sha256;
    // Hashing takes a while, and the path may name another file by now.
    if !same || !is_same_file(&file.metadata()?, &fs::symlink_metadata(path)?) {
        return Ok(Some(format!("{} now contains other bytes and is left alone", path.display())));
    }
    match after {
        AfterSuccess::Leave => Ok(None),
        AfterSuccess::Delete => fs::remove_file(path).map(|()| Some(format!("{} deleted", path.display()))),
        AfterSuccess::Move(folder) => {
            let to = free_name(folder, path, sha256);
            relocate(path, &to)?;
            Ok(Some(format!("{} moved to {}", path.display(), to.display())))
        }
    }
}

/// Whether both describe the same file in the same version.
fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    let key = |meta: &Metadata| {
        (
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        )
    };
    key(one) == key(other)
}

/// A path in the folder at which no file exists.
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

/// Renames; copies, syncs and removes across file systems, and between two `ReadWritePaths=` of systemd.
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
