//! Opens a file beneath a drop folder without following symbolic links.

use std::ffi::CString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};

/// Opens a regular file below `root` for reading. Follows no symbolic link below `root` and does not block on a FIFO.
///
/// The path of `root` itself may contain links, because the administrator has configured it.
///
/// # Errors
/// The file cannot be opened; `InvalidInput` if it is not a regular file or not below `root`.
pub fn open_below(root: &Path, path: &Path) -> io::Result<(File, Metadata)> {
    let below = path.strip_prefix(root).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not below {}", path.display(), root.display()),
        )
    })?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let folder = rustix::fs::open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let name = CString::new(below.as_os_str().as_encoded_bytes())?;
    // EAGAIN: a rename interfered with the lookup, which has to be repeated.
    let fd = loop {
        match rustix::fs::openat2(&folder, name.as_c_str(), flags, Mode::empty(), resolve) {
            Err(rustix::io::Errno::AGAIN) => continue,
            // Kernels before 5.6, and sandboxes without the call: only the last component is protected.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                break rustix::fs::openat(&folder, name.as_c_str(), flags, Mode::empty())?;
            }
            other => break other?,
        }
    };
    let file = File::from(fd);
    let meta = file.metadata()?;
    if meta.is_file() {
        Ok((file, meta))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not a regular file", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn link_or_special_file_is_refused_without_blocking() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("drop"), dir.path().join("outside"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("a.cab"), b"secret").unwrap();
        symlink(outside.join("a.cab"), root.join("link.cab")).unwrap();
        symlink(&outside, root.join("sub")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("fifo.cab"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::fs::write(root.join("real/b.cab"), b"data").unwrap();
        symlink("real", root.join("inner")).unwrap();
        assert!(open_below(&root, &root.join("real/b.cab")).is_ok());
        for name in ["link.cab", "inner/b.cab", "sub/a.cab", "fifo.cab", "../outside/a.cab", "absent.cab"] {
            assert!(open_below(&root, &root.join(name)).is_err(), "{name}");
        }
        std::fs::write(root.join("a.cab"), b"data").unwrap();
        let (_, meta) = open_below(&root, &root.join("a.cab")).unwrap();
        assert_eq!(meta.len(), 4);
        // The folder itself may be a link.
        symlink(&root, dir.path().join("alias")).unwrap();
        let alias = dir.path().join("alias");
        assert!(open_below(&alias, &alias.join("a.cab")).is_ok());
    }
}
