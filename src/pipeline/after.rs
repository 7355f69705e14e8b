//! What becomes of a dropped file once its job has succeeded.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::context::Context;
use crate::config::model::After;
use crate::depot::hex;
use crate::job::Job;

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
    match digest(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if found != sha256 => {
            return Ok(Some(format!("{} holds other bytes now and is left alone", path.display())));
        }
        Ok(_) => {}
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
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        other => return other,
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let staged = to.with_file_name(format!(".{name}.part"));
    fs::copy(from, &staged)?;
    File::open(&staged)?.sync_all()?;
    fs::rename(&staged, to)?;
    fs::remove_file(from)
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}
