//! Who can write to an outbox besides the daemon.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use super::model::Config;
use super::report::Problem;
use dropship_shared_folder::hung_places;

/// Maximum time for one outbox.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Permission bits by which others may write.
const OTHERS_WRITE: u32 = 0o022;

/// In a sticky folder others can add names, but neither remove nor rename those of the daemon.
const STICKY: u32 = 0o1000;

const HELP: &str = "build servers only read results: chown it to the daemon's user, `chgrp` it to their group, and \
    `chmod 2750` it (docs/operating.md, Folders and permissions)";

const HELP_ABOVE: &str = "they can put another folder in its place, with results of their own: chown that folder to root, and take \
    write permission from group and others";

/// Problems of outboxes that others can write to.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let daemon = daemon_uid(&config.store.path);
    let problem = |name: &str, outbox: &Path| {
        let who = writer(&metadata(outbox)?, daemon)?;
        let message = format!("folder `{name}`: {who} can write to the outbox {}", outbox.display());
        Some(Problem::of_file(&config.path, &message).with_help(HELP))
    };
    outboxes(config).filter_map(|(name, outbox)| problem(name, outbox)).collect()
}

impl Config {
    /// Warnings about outboxes that others can replace, because they can write to a folder above.
    #[must_use]
    pub fn replaceable_outboxes(&self) -> Vec<Problem> {
        let daemon = daemon_uid(&self.store.path);
        let warning = |name: &str, outbox: &Path| {
            let (above, who) = outbox
                .ancestors()
                .skip(1)
                .find_map(|above| Some((above, writer(&metadata(above)?, daemon)?)))?;
            let message = format!(
                "folder `{name}`: {who} can replace the outbox {}, because it is below {}",
                outbox.display(),
                above.display()
            );
            Some(Problem::of_file(&self.path, message).with_help(HELP_ABOVE).into_warning())
        };
        outboxes(self).filter_map(|(name, outbox)| warning(name, outbox)).collect()
    }
}

/// The outboxes that the configuration names, with the names of their folders.
fn outboxes(config: &Config) -> impl Iterator<Item = (&str, &Path)> {
    config.folders_here().filter_map(|folder| {
        let outbox = folder.on_node.as_ref().map(|on| &on.outbox).or(folder.outbox.as_ref())?;
        Some((folder.name.as_str(), outbox.as_path()))
    })
}

/// The metadata of a folder that responds. The start reports an outbox that does not respond as a warning.
fn metadata(folder: &Path) -> Option<Metadata> {
    let owned_path = folder.to_owned();
    hung_places::within(folder, MAX_WAIT, move || std::fs::metadata(owned_path)).ok()?.ok()
}

/// The user of the daemon: the owner of its store, or the present one.
fn daemon_uid(store: &Path) -> u32 {
    std::fs::metadata(store).map_or_else(|_| rustix::process::geteuid().as_raw(), |meta| meta.uid())
}

/// Who besides the daemon and root can change the names in a folder.
fn writer(meta: &Metadata, daemon: u32) -> Option<String> {
    // Root runs `check` before the first start, when nothing shows the daemon's user. The owner can replace names in a sticky folder too.
    if meta.uid() != 0 && meta.uid() != daemon && daemon != 0 {
        return Some(format!("its owner, who is not the daemon's user (uid {}),", meta.uid()));
    }
    let mode = meta.permissions().mode();
    let others_replace = mode & OTHERS_WRITE != 0 && mode & STICKY == 0;
    others_replace.then(|| format!("others (mode {:04o})", mode & 0o7777))
}
