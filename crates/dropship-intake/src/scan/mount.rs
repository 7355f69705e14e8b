//! Checks the mount of a folder: whether it is a network share, and whether it is still mounted.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::folder_context::FolderContext;
use crate::folder_issue::FolderIssue;
use dropship_redact::ShellWord;

/// Records the kind of file system. Returns an issue if the folder was a mount point and is not any more.
pub(super) fn check(context: &FolderContext) -> Option<FolderIssue> {
    let root = &context.spec.path;
    let remote = (context.remote_kind)(root).ok()?;
    let is_mount = is_mount(root)?;
    let mut status = context.status();
    status.remote = remote;
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

fn is_mount(root: &Path) -> Option<bool> {
    let dev = std::fs::metadata(root).ok()?.dev();
    let parent = std::fs::metadata(root.join("..")).ok()?.dev();
    Some(dev != parent)
}
