//! Opens a name below the descriptor of a folder, without following links.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Maximum number of lookups that renames may disturb, before each component is opened separately.
const MAX_ATTEMPTS: usize = 16;

/// Opens `path` below `folder`.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if the path leaves the folder or leads through a link; otherwise, when it cannot be opened.
pub(crate) fn open_below(folder: BorrowedFd<'_>, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let parts = plain_parts(path)?;
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..MAX_ATTEMPTS {
        match rustix::fs::openat2(folder, path, flags, Mode::empty(), resolve) {
            // A rename has disturbed the lookup.
            Err(Errno::AGAIN) => {}
            // Kernels before 5.6, and sandboxes without the call.
            Err(Errno::NOSYS | Errno::PERM) => break,
            opened => return opened.map_err(|error| refused(error, path)),
        }
    }
    by_component(folder, &parts, flags).map_err(|error| refused(error, path))
}

/// Opens one component after the other, each without following a link.
pub(crate) fn by_component(
    folder: BorrowedFd<'_>,
    parts: &[&OsStr],
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let Some((last, above)) = parts.split_last() else { return Err(Errno::INVAL) };
    let search = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: Option<OwnedFd> = None;
    for part in above {
        let from = at.as_ref().map_or(folder, AsFd::as_fd);
        at = Some(rustix::fs::openat(from, *part, search, Mode::empty())?);
    }
    let from = at.as_ref().map_or(folder, AsFd::as_fd);
    rustix::fs::openat(from, *last, flags, Mode::empty())
}

/// The components of a path that cannot leave its folder.
pub(crate) fn plain_parts(path: &Path) -> io::Result<Vec<&OsStr>> {
    let parts = path.components().map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let parts: Option<Vec<_>> = parts.collect();
    parts
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| invalid(format!("`{}` is not the name of a file below the folder", path.display())))
}

/// One name, not a path.
pub(crate) fn plain_name(name: &OsStr) -> io::Result<&OsStr> {
    match plain_parts(Path::new(name))?.as_slice() {
        [one] if *one == name => Ok(name),
        _ => Err(invalid(format!("`{}` is not the name of a file", name.display()))),
    }
}

pub(crate) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The error of a lookup: links, other file systems' roots and files without a reader or driver are "not a regular file".
fn refused(error: Errno, path: &Path) -> io::Error {
    match error {
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::NXIO | Errno::NODEV => {
            invalid(format!("`{}` is, or is below, a link or a special file", path.display()))
        }
        error => error.into(),
    }
}
