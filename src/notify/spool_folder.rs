//! Spool folders: one file per notification.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::notification::Notification;

/// Creates a folder that only the daemon can read.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a notification; the file appears complete or not at all. File names sort by time.
pub(super) fn write(folder: &Path, notification: &Notification) -> io::Result<()> {
    let name = format!("{:015}-{}", notification.at.as_millisecond(), notification.id.replace('/', "_"));
    let staged = folder.join(format!(".{name}"));
    let mut file = File::create(&staged)?;
    file.write_all(&serde_json::to_vec(notification)?)?;
    file.sync_all()?;
    fs::rename(&staged, folder.join(format!("{name}.json")))?;
    File::open(folder)?.sync_all()
}

/// The notifications in a folder, oldest first.
pub(super) fn list_pending(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
