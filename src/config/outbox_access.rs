//! Who can write to an outbox besides the daemon.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use super::model::Config;
use super::report::Problem;
use crate::hung_places;

/// Maximum time for one outbox.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Permission bits by which others may write.
const OTHERS_WRITE: u32 = 0o022;

/// In a sticky folder others can add names, but neither remove nor rename those of the daemon.
const STICKY: u32 = 0o1000;

const HELP: &str = "build servers only read results: chown it to the daemon's user, `chgrp` it to their group, and \
    `chmod 2750` it (docs/operating.md, Folders and permissions)";

/// Problems of outboxes that others can write to.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let daemon = daemon_uid(&config.store.path);
    let problem = |name: &str, outbox: &Path| {
        let at = outbox.to_owned();
        // The start reports an outbox that does not respond as a warning.
        let meta = hung_places::within(outbox, MAX_WAIT, move || std::fs::metadata(at)).ok()?.ok()?;
        let who = writer(&meta, daemon)?;
        let message = format!("folder `{name}`: {who} can write to the outbox {}", outbox.display());
        Some(Problem::of_file(&config.path, &message).with_help(HELP))
    };
    let outboxes = config.folders.iter().filter_map(|folder| Some((folder, folder.outbox.as_ref()?)));
    outboxes.filter_map(|(folder, outbox)| problem(&folder.name, outbox)).collect()
}

/// The user of the daemon: the owner of its store, or the present one.
fn daemon_uid(store: &Path) -> u32 {
    std::fs::metadata(store).map_or_else(|_| rustix::process::geteuid().as_raw(), |meta| meta.uid())
}

/// Who besides the daemon and root can change the names in a folder.
fn writer(meta: &Metadata, daemon: u32) -> Option<String> {
    let mode = meta.permissions().mode();
    if mode & STICKY != 0 {
        return None;
    }
    if mode & OTHERS_WRITE != 0 {
        return Some(format!("others (mode {:04o})", mode & 0o7777));
    }
    // Root runs `check` before the first start, when nothing shows the daemon's user.
    (meta.uid() != 0 && meta.uid() != daemon && daemon != 0)
        .then(|| format!("its owner, who is not the daemon's user (uid {}),", meta.uid()))
}
