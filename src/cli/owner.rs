//! Switches to the owner of a store before it is opened: the daemon could not open files that root created.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use super::exit::{Exit, ExitError};

/// Switches this process to the owner of the store.
///
/// # Errors
/// Exit code 77 when this process is neither root nor the owner.
pub(super) fn become_owner(store: &Path) -> anyhow::Result<()> {
    let found = std::fs::metadata(store).with_context(|| format!("cannot read {}", store.display()))?;
    let (uid, gid) = (found.uid(), found.gid());
    let own = rustix::process::geteuid().as_raw();
    if own == uid {
        return Ok(());
    }
    if own != 0 {
        let message =
            format!("the store {} belongs to uid {uid}; run this as that user or as root", store.display());
        return Err(ExitError(Exit::NotPermitted, message).into());
    }
    let failed = || format!("cannot switch to uid {uid}, the owner of {}", store.display());
    let (uid, gid) = (nix::unistd::Uid::from_raw(uid), nix::unistd::Gid::from_raw(gid));
    nix::unistd::setgroups(&[gid]).with_context(failed)?;
    nix::unistd::setresgid(gid, gid, gid).with_context(failed)?;
    nix::unistd::setresuid(uid, uid, uid).with_context(failed)
}
