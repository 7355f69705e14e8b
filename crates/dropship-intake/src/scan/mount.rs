//! Checks the mount of a folder: whether it is a network share, and whether it is still mounted.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Statx, StatxAttributes, StatxFlags, statx};

use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::folder_status::MountId;
use dropship_redact::ShellWord;

/// Records the kind of file system. Returns an issue if the folder was a mount point and is not any more.
pub(super) fn check(context: &FolderContext) -> Option<FolderIssue> {
    let root = &context.spec.path;
    let stat = stat(root).ok()?;
    let mount = mount_id(&stat);
    let is_known = mount.is_some() && context.look().mount == mount;
    // Of the same mount, the kind is known.
    let remote = if is_known { context.look().remote } else { (context.remote_kind)(root).ok()? };
    let is_mount = is_mount(root, &stat)?;
    let mut status = context.status();
    (status.mount, status.remote) = (mount, remote);
    let is_lost = status.was_mount && !is_mount;
    status.was_mount |= is_mount;
    drop(status);
    is_lost.then(|| {
        let at = root.display();
        FolderIssue::degraded(
            format!("nothing is mounted at {at} any more; the folder shows the empty mount point"),
            format!(
                "mount it again (`findmnt {}`, `systemctl status` of its .mount unit); watching resumes automatically",
                ShellWord::of(root)
            ),
        )
    })
}

fn stat(path: &Path) -> io::Result<Statx> {
    Ok(statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?)
}

/// `None` before Linux 5.8.
fn mount_id(stat: &Statx) -> Option<MountId> {
    let has_id = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    has_id.then_some(MountId { device: device(stat), id: stat.stx_mnt_id })
}

fn device(stat: &Statx) -> (u32, u32) {
    (stat.stx_dev_major, stat.stx_dev_minor)
}

fn is_mount(root: &Path, stat: &Statx) -> Option<bool> {
    let mount_root = StatxAttributes::MOUNT_ROOT;
    if stat.stx_attributes_mask.contains(mount_root) {
        return Some(stat.stx_attributes.contains(mount_root));
    }
    // Before Linux 5.8.
    let parent = self::stat(&root.join("..")).ok()?;
    Some(device(stat) != device(&parent))
}
