//! Checks the mount of a folder: whether it is a network share, and whether it is still mounted.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Statx, StatxAttributes, StatxFlags, statx};

use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use crate::folder_status::MountId;
use dropship_redact::ShellWord;

/// Records the kind of file system. Returns an issue if the folder was a mount point and is not any more.
pub(super) fn check(context: &FolderContext) -> Option<FolderIssue> {
    let root = &context.spec.path;
    let flags = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    // Old sandboxes do not allow this call; `stat` and `statfs` return the same facts.
    let stat = statx(CWD, root, AtFlags::empty(), flags).ok();
    let mount = stat.as_ref().and_then(mount_id);
    let is_known = mount.is_some() && context.read_status().mount == mount;
    let remote = if is_known { context.read_status().remote } else { (context.share_detector)(root).ok()? };
    let is_mount = is_mount(root, stat.as_ref())?;
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

/// `None` before Linux 5.8.
fn mount_id(stat: &Statx) -> Option<MountId> {
    let has_id = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    has_id.then_some(MountId {
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        root: stat.stx_ino,
        id: stat.stx_mnt_id,
    })
}

/// Whether another file system is mounted at the folder. A bind mount of the same file system does not count: systemd makes one for
/// each path that a service may write to, which only this service sees, and which an operator could not mount again.
fn is_mount(root: &Path, stat: Option<&Statx>) -> Option<bool> {
    let is_mount_root = |stat: &Statx| {
        let is_reported = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
        !is_reported || stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
    };
    if !stat.is_none_or(is_mount_root) {
        return Some(false);
    }
    let device = std::fs::metadata(root).ok()?.dev();
    let parent = std::fs::metadata(root.join("..")).ok()?.dev();
    Some(device != parent)
}
