//! Drop folders, outboxes and the targets of `after`.

use std::io;
use std::path::Path;

use super::problem;
use crate::config::Problem;
use crate::config::model::{AfterSuccess, Config, Folder};

const GRANT: &str =
    "create it, or grant the daemon's user access; under systemd see `dropship systemd paths`";

/// Problems of the folders as this user finds them. Creates a file in each folder that the daemon writes to, and removes it.
#[must_use]
pub fn of_folders(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for folder in &config.folders {
        problems.extend(
            of_folder(folder)
                .into_iter()
                .map(|why| problem(config, format!("folder `{}`: {why}", folder.name)).with_help(GRANT)),
        );
    }
    problems
}

fn of_folder(folder: &Folder) -> Vec<String> {
    let mut problems = Vec::new();
    let path = &folder.path;
    if let Err(error) = std::fs::read_dir(path) {
        problems.push(format!("cannot read {}: {error}", path.display()));
    } else if folder.after != AfterSuccess::Leave
        && let Err(error) = try_write(path)
    {
        problems.push(format!("`after` cannot remove files from {}: {error}", path.display()));
    }
    if let AfterSuccess::Move(target) = &folder.after
        && let Err(error) = try_write(target)
    {
        problems.push(format!("`after` cannot write to {}: {error}", target.display()));
    }
    if let Some(outbox) = &folder.outbox
        && let Err(error) = try_write(outbox)
    {
        problems.push(format!("cannot write to the outbox {}: {error}", outbox.display()));
    }
    problems
}

/// Creates a file in a folder and removes it. The daemon creates a folder that does not exist, so its parent is tried then.
pub(super) fn try_write(folder: &Path) -> io::Result<()> {
    let mut existing = folder;
    while let Err(error) = std::fs::metadata(existing) {
        match existing.parent() {
            Some(parent) if error.kind() == io::ErrorKind::NotFound => existing = parent,
            _ => return Err(error),
        }
    }
    let name = format!(".dropship-check-{}", std::process::id());
    let probe = existing.join(name);
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}
