//! A folder that others may write to.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::configured_path;
use crate::exact_mode;
use crate::file_id::FileId;
use crate::lookup::{invalid, open_below, plain_name, plain_parts};

/// A folder in which others may replace every name at any time.
#[derive(Debug)]
pub struct SharedFolder {
    fd: OwnedFd,
    path: PathBuf,
    /// The owner of files that this process creates here, if one could be created.
    pub(crate) creates_as: OnceLock<Option<u32>>,
}

impl SharedFolder {
    /// Opens a folder by its configured path, which may contain links of the administrator.
    ///
    /// # Errors
    /// When it cannot be opened, or is no folder. [`io::ErrorKind::PermissionDenied`] for a link that another user can have made.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::at(configured_path::open(path)?, path.to_owned()))
    }

    /// Opens a folder by its configured path; creates it, and those above it, with this mode if it does not exist, whatever the
    /// umask is.
    ///
    /// # Errors
    /// As [`Self::open`], and when the folder cannot be created.
    pub fn open_or_create(path: &Path, mode: u32) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let Some(name) = path.file_name() else { return Err(error) };
                let above = path.parent().filter(|above| !above.as_os_str().is_empty());
                let above = Self::open_or_create(above.unwrap_or_else(|| Path::new(".")), mode)?;
                match above.create_folder(name, mode) {
                    // Another task was faster, or it is a link that leads nowhere.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
                    created => created,
                }
            }
            opened => opened,
        }
    }

    /// The path for messages: the folder may have another one by now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder below this one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a link or a path that leaves the folder; otherwise, when it cannot be opened.
    pub fn folder(&self, below: impl AsRef<Path>) -> io::Result<Self> {
        let below = below.as_ref();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        Ok(Self::at(open_below(self.fd(), below, flags)?, self.path.join(below)))
    }

    /// The folder that contains the file `below`, and the file's name.
    ///
    /// # Errors
    /// As [`Self::folder`].
    pub fn parent_of(&self, below: &Path) -> io::Result<(Self, OsString)> {
        let parts = plain_parts(below)?;
        let Some((name, above)) = parts.split_last() else {
            return Err(invalid(format!("`{}` is not the name of a file", below.display())));
        };
        let parent = match above {
            [] => Self::at(self.fd.try_clone()?, self.path.clone()),
            above => self.folder(above.iter().collect::<PathBuf>())?,
        };
        Ok((parent, (*name).to_owned()))
    }

    /// Opens a regular file for reading. Blocks on no FIFO.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if it is no regular file or a link leads to it; otherwise, when it cannot be opened.
    pub fn file(&self, below: impl AsRef<Path>) -> io::Result<(File, Metadata)> {
        let below = below.as_ref();
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(open_below(self.fd(), below, flags)?);
        let meta = file.metadata()?;
        match meta.is_file() {
            true => Ok((file, meta)),
            false => Err(invalid(format!("{} is not a regular file", self.path.join(below).display()))),
        }
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Self::file`], when it cannot be read, and [`io::ErrorKind::FileTooLarge`] if it is longer.
    pub fn read(&self, below: impl AsRef<Path>, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
        let below = below.as_ref();
        let (file, meta) = self.file(below)?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            let message = format!("{} is longer than {limit} bytes", self.path.join(below).display());
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok((bytes, meta))
    }

    /// The metadata of an entry of any kind, that of a link itself. Nothing is opened, so no permission to read is needed.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the path leads through a link or leaves the folder; otherwise, when there is no such
    /// entry or a folder of the path cannot be searched.
    pub fn metadata(&self, below: impl AsRef<Path>) -> io::Result<Metadata> {
        File::from(open_below(self.fd(), below.as_ref(), OFlags::PATH)?).metadata()
    }

    /// The device and the inode of the folder.
    ///
    /// # Errors
    /// When the file system does not return the metadata of the folder.
    pub fn identity(&self) -> io::Result<(u64, u64)> {
        let stat = rustix::fs::fstat(&self.fd)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Creates a folder in this one and opens it. Its mode does not depend on the umask; a setgid bit that it inherits stays.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if the name is taken; otherwise, when the folder cannot be created or opened, or its mode
    /// cannot be set.
    pub fn create_folder(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Self> {
        let name = plain_name(name.as_ref())?;
        exact_mode::create(self.fd(), name, Mode::from_raw_mode(mode & 0o777))?;
        let created = self.folder(name)?;
        let stat = created.stat()?;
        // An access control list of the parent, or a umask that this process may not change, can take permissions away.
        if stat.st_mode & 0o777 != mode & 0o777 && created.is_own(self)? {
            let plain = Mode::from_raw_mode(mode & 0o777);
            let kept = Mode::from_raw_mode(mode & 0o777 | stat.st_mode & 0o2000);
            let readable = created.readable()?;
            // Under `RestrictSUIDSGID=` the bit cannot be set, only kept.
            rustix::fs::fchmod(&readable, kept).or_else(|_| rustix::fs::fchmod(&readable, plain))?;
        }
        Ok(created)
    }

    /// Deletes a name, whatever file it is of; a link is not followed. Returns whether there was one.
    ///
    /// # Errors
    /// When it is a folder, or cannot be deleted.
    pub fn remove_file(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        was_removed(rustix::fs::unlinkat(self.fd(), plain_name(name.as_ref())?, AtFlags::empty()))
    }

    /// Deletes an empty folder. Returns whether there was one.
    ///
    /// # Errors
    /// When it is not an empty folder, or cannot be deleted.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        was_removed(rustix::fs::unlinkat(self.fd(), plain_name(name.as_ref())?, AtFlags::REMOVEDIR))
    }

    /// Whether there is an entry of any kind with this name.
    ///
    /// # Errors
    /// When the folder cannot be searched.
    pub fn has(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        Ok(self.stat_of(plain_name(name.as_ref())?)?.is_some())
    }

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// When the folder cannot be opened for reading, or its file system cannot write it to the disk.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.readable()?)?)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn stat(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.fd)?)
    }

    pub(crate) fn stat_of(&self, name: &OsStr) -> io::Result<Option<Stat>> {
        match rustix::fs::statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The regular file that has this name now.
    pub(crate) fn id_of(&self, name: &OsStr) -> io::Result<Option<FileId>> {
        let stat = self.stat_of(name)?;
        let regular = stat.filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
        Ok(regular.map(|stat| FileId::of_stat(&stat)))
    }

    fn at(fd: OwnedFd, path: PathBuf) -> Self {
        Self { fd, path, creates_as: OnceLock::new() }
    }

    /// A descriptor for reading the entries.
    ///
    /// # Errors
    /// When this user may not read the folder, or no descriptor is left.
    pub fn readable(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(self.fd(), ".", flags, Mode::empty())?)
    }
}

/// Whether there was something to remove.
fn was_removed(removed: Result<(), Errno>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
