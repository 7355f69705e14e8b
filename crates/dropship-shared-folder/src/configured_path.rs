//! Opens a folder by a path of the configuration. It may contain links of the administrator, but none that another user can make.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// Maximum number of links in a path, as in the kernel.
const MAX_LINKS: usize = 40;

/// Permission bits by which others may write.
const OTHERS_WRITE: u32 = 0o022;

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the folder at `path`.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] for a link that another user made in a folder that this user can write to; otherwise, when
/// the folder cannot be opened.
pub(crate) fn open(path: &Path) -> io::Result<OwnedFd> {
    match rustix::fs::openat2(rustix::fs::CWD, path, FOLDER, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // There are links, or this is a kernel before 5.6 or a sandbox without the call.
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => by_component(path),
        opened => Ok(opened?),
    }
}

/// Follows the path, and each link that is trusted.
pub(crate) fn by_component(path: &Path) -> io::Result<OwnedFd> {
    let mut at = start(path)?;
    let mut remaining = parts(path);
    let mut links = 0;
    while let Some(part) = remaining.pop_front() {
        let opened =
            rustix::fs::openat(&at, &part, FOLDER & !OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
        match FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) {
            FileType::Directory => at = opened,
            FileType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = follow(at.as_fd(), opened.as_fd(), &part, path)?;
                if Path::new(&target).is_absolute() {
                    at = start(Path::new(&target))?;
                }
                for part in parts(Path::new(&target)).into_iter().rev() {
                    remaining.push_front(part);
                }
            }
            _ => return Err(Errno::NOTDIR.into()),
        }
    }
    Ok(at)
}

/// The target of a link in the folder `parent`.
fn follow(parent: BorrowedFd<'_>, link: BorrowedFd<'_>, name: &OsStr, path: &Path) -> io::Result<OsString> {
    if !is_trusted(&rustix::fs::fstat(link)?, &rustix::fs::fstat(parent)?) {
        let message = format!(
            "`{}` in {} is a link that another user made in a folder that this user can write to; use its target, or let root own it \
             (chown -h root)",
            name.display(),
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(OsString::from_vec(rustix::fs::readlinkat(link, "", Vec::new())?.into_bytes()))
}

/// Whether only root or this process's user can have made the link, or let another user own it.
///
/// This is stricter than the sysctl `fs.protected_symlinks`, which trusts the owner of the folder: a user to whom the folder above a
/// drop folder or an outbox belongs could lead the daemon to folders of others.
fn is_trusted(link: &Stat, parent: &Stat) -> bool {
    let trusted = [0, rustix::process::geteuid().as_raw()];
    trusted.contains(&link.st_uid) || trusted.contains(&parent.st_uid) && parent.st_mode & OTHERS_WRITE == 0
}

fn start(path: &Path) -> io::Result<OwnedFd> {
    let start = if path.is_absolute() { "/" } else { "." };
    Ok(rustix::fs::open(start, FOLDER, Mode::empty())?)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}
