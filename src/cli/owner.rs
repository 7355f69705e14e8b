//! Switches to the user of the daemon. The daemon could not open files that root creates, and root can read files that the daemon
//! cannot read.

use std::ffi::CString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use nix::unistd::{Gid, Uid, User};

use super::exit::{Exit, ExitError};

/// Switches this process to the owner of the store.
///
/// # Errors
/// Exit code 77 when this process is neither root nor the owner.
pub(super) fn become_owner(store: &Path) -> anyhow::Result<()> {
    let metadata = std::fs::metadata(store).with_context(|| format!("cannot read {}", store.display()))?;
    let (uid, gid) = (metadata.uid(), metadata.gid());
    let current_uid = rustix::process::geteuid().as_raw();
    if current_uid == uid {
        return Ok(());
    }
    if current_uid != 0 {
        let message =
            format!("the store {} belongs to uid {uid}; run this as that user or as root", store.display());
        return Err(ExitError(Exit::NotPermitted, message).into());
    }
    become_user(Uid::from_raw(uid), Gid::from_raw(gid), &[])
        .with_context(|| format!("cannot switch to uid {uid}, the owner of {}", store.display()))
}

/// Switches this process from root to a user, with the user's groups of the group database and with `groups`.
pub(super) fn become_user(uid: Uid, gid: Gid, groups: &[Gid]) -> anyhow::Result<()> {
    let mut group_ids = vec![gid];
    let name = User::from_uid(uid).ok().flatten().and_then(|user| CString::new(user.name).ok());
    group_ids.extend(name.and_then(|name| nix::unistd::getgrouplist(&name, gid).ok()).unwrap_or_default());
    group_ids.extend(groups);
    nix::unistd::setgroups(&group_ids)?;
    nix::unistd::setresgid(gid, gid, gid)?;
    nix::unistd::setresuid(uid, uid, uid)?;
    Ok(())
}
