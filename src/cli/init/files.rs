//! New files: all are created, or none.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

/// A file that must not exist yet.
pub(super) struct NewFile {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// Only its owner may read it.
    pub(super) is_secret: bool,
}

/// Creates the folders that do not exist, then the files. Removes the files again if one of them cannot be created.
///
/// # Errors
/// A file exists already, or cannot be written.
pub(super) fn create_all(home: &Path, folders: &[PathBuf], files: &[NewFile]) -> anyhow::Result<()> {
    if let Some(file) = files.iter().find(|file| std::fs::symlink_metadata(&file.path).is_ok()) {
        return Err(exists(&file.path));
    }
    for folder in folders.iter().map(PathBuf::as_path).chain([home]) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    for (count, file) in files.iter().enumerate() {
        if let Err(error) = create(file) {
            for created in &files[..count] {
                drop(std::fs::remove_file(&created.path));
            }
            return Err(error);
        }
    }
    Ok(())
}

fn create(file: &NewFile) -> anyhow::Result<()> {
    let mode = if file.is_secret { 0o600 } else { 0o644 };
    let created = OpenOptions::new().write(true).create_new(true).mode(mode).open(&file.path);
    let written = created.and_then(|mut created| created.write_all(&file.bytes));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(&file.path),
        _ => anyhow::Error::new(error).context(format!("cannot write {}", file.path.display())),
    })
}

fn exists(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} exists already, and nothing was changed; remove it, or name another place with `--config`",
        path.display()
    )
}
