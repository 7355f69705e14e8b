//! A new file that has a temporary name until it is complete.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::file_id::FileId;
use crate::folder::SharedFolder;
use crate::lookup::{invalid, plain_name};

/// Maximum number of random names that are tried.
const ATTEMPTS: usize = 8;

/// Maximum number of bytes of a name that its temporary name repeats; a name has at most 255.
const REPEATED: usize = 200;

/// Maximum number of leftovers that are removed at once.
const MAX_LEFTOVERS: usize = 64;

/// End of a temporary name.
const END: &[u8] = b".part";

/// A file under a temporary name. Dropping it deletes the file.
#[derive(Debug)]
pub struct StagedFile<'a> {
    folder: &'a SharedFolder,
    file: File,
    name: OsString,
    is_published: bool,
}

impl SharedFolder {
    /// Creates a file under a random name that begins with `.NAME.`, for this process's user only.
    ///
    /// # Errors
    /// When no file can be created in the folder.
    pub fn stage(&self, name: impl AsRef<OsStr>) -> io::Result<StagedFile<'_>> {
        let name = plain_name(name.as_ref())?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..ATTEMPTS {
            let staged = temporary_name(name)?;
            match rustix::fs::openat(self.fd(), &staged, flags, Mode::RUSR | Mode::WUSR) {
                Err(Errno::EXIST) => {}
                opened => {
                    let file = File::from(opened?);
                    return Ok(StagedFile { folder: self, file, name: staged, is_published: false });
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "every random name is taken"))
    }

    /// Deletes temporary files for `name` that an earlier process of this user left.
    ///
    /// # Errors
    /// When the folder cannot be listed, or a leftover cannot be deleted.
    pub fn remove_leftovers(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let start = beginning(plain_name(name.as_ref())?);
        let mut leftovers = Vec::new();
        let _rest_is_of_others = self.list(|entry| {
            let random = entry.name.as_bytes().strip_prefix(start.as_slice());
            let random = random.and_then(|rest| rest.strip_suffix(END));
            let is_temporary =
                random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit));
            if is_temporary && leftovers.len() < MAX_LEFTOVERS {
                leftovers.push(entry.name.to_owned());
            }
            Ok(())
        })?;
        for name in leftovers {
            match self.metadata(&name) {
                Ok(meta) if meta.is_file() && self.owns(&meta) => {
                    let _taken_by_others = self.remove_if(&name, FileId::of(&meta))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl StagedFile<'_> {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// When the file system refuses the change.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode & 0o777))
    }

    /// Gives the file its name; a file that has the name is replaced, and a link is not followed.
    ///
    /// # Errors
    /// When a folder has the name, the staged file was replaced, or the file cannot be renamed.
    pub fn publish(self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = plain_name(name.as_ref())?.to_owned();
        self.rename(|folder, staged| rustix::fs::renameat(folder.fd(), staged, folder.fd(), &name))
    }

    /// Gives the file a name that no other file has.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if the name is taken; otherwise, when the staged file was replaced, or the file cannot be
    /// renamed.
    pub fn publish_new(self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = plain_name(name.as_ref())?.to_owned();
        self.rename(|folder, staged| rename_new(folder, staged, folder, &name))
    }

    fn rename(mut self, rename: impl FnOnce(&SharedFolder, &OsStr) -> Result<(), Errno>) -> io::Result<()> {
        if self.folder.id_of(&self.name)? != Some(FileId::of(&self.file.metadata()?)) {
            return Err(invalid(format!("{} was replaced", self.folder.path().join(&self.name).display())));
        }
        rename(self.folder, &self.name)?;
        self.is_published = true;
        Ok(())
    }
}

impl Write for StagedFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for StagedFile<'_> {
    fn drop(&mut self) {
        let is_there = || {
            let id = FileId::of(&self.file.metadata().ok()?);
            self.folder.id_of(&self.name).ok().flatten().filter(|found| *found == id)
        };
        if !self.is_published && is_there().is_some() {
            // A leftover is harmless, and deleted before the next file of this name.
            rustix::fs::unlinkat(self.folder.fd(), &self.name, AtFlags::empty()).ok();
        }
    }
}

/// Renames to a name that no file has. File systems without that check get the second-best: a check before the rename.
pub(crate) fn rename_new(
    from: &SharedFolder,
    name: &OsStr,
    to: &SharedFolder,
    new_name: &OsStr,
) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from.fd(), name, to.fd(), new_name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            match rustix::fs::statat(to.fd(), new_name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => rustix::fs::renameat(from.fd(), name, to.fd(), new_name),
                Ok(_) => Err(Errno::EXIST),
                Err(error) => Err(error),
            }
        }
        renamed => renamed,
    }
}

/// A random name that begins with `.NAME.`.
pub(crate) fn temporary_name(name: &OsStr) -> io::Result<OsString> {
    let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let mut bytes = beginning(name);
    bytes.extend_from_slice(format!("{random:016x}").as_bytes());
    bytes.extend_from_slice(END);
    Ok(OsString::from_vec(bytes))
}

fn beginning(name: &OsStr) -> Vec<u8> {
    let name = name.as_bytes();
    [b".", name.get(..REPEATED).unwrap_or(name), b"."].concat()
}
