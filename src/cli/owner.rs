//! Whoever opens a store does it as its owner, or files of another owner would lock the daemon out.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

use super::exit::{Ending, Exit};

/// Makes this process the store's owner; only root can.
pub(super) fn become_owner(store: &Path) -> anyhow::Result<()> {
    let found = std::fs::metadata(store).with_context(|| format!("cannot look at {}", store.display()))?;
    let (uid, gid) = (found.uid(), found.gid());
    let own = rustix::process::geteuid().as_raw();
    if own == uid {
        return Ok(());
    }
    if own != 0 {
        let message =
            format!("the store {} belongs to uid {uid}; run this as that user or as root", store.display());
        return Err(Ending(Exit::NotPermitted, message).into());
    }
    let failed = || format!("cannot become uid {uid}, the owner of {}", store.display());
    let (uid, gid) = (nix::unistd::Uid::from_raw(uid), nix::unistd::Gid::from_raw(gid));
    nix::unistd::setgroups(&[gid]).with_context(failed)?;
    nix::unistd::setresgid(gid, gid, gid).with_context(failed)?;
    nix::unistd::setresuid(uid, uid, uid).with_context(failed)
}
