//! Removes or moves a name only if it is of the file that the caller means.

use std::ffi::{OsStr, OsString};
use std::io;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::file_id::FileId;
use crate::folder::SharedFolder;
use crate::lookup::{invalid, plain_name};
use crate::staged::{rename_new, temporary_name};

/// Whether a name was removed or moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOutcome {
    /// The file no longer has the name.
    Taken,
    /// The name is of another file by now, or of none. Nothing was changed.
    Replaced,
}

impl SharedFolder {
    /// Deletes a name if it is of this file.
    ///
    /// # Errors
    /// When the folder cannot be searched, or the file cannot be renamed or deleted.
    pub fn remove_if(&self, name: impl AsRef<OsStr>, file: FileId) -> io::Result<TakeOutcome> {
        let Some(temporary) = self.set_aside(plain_name(name.as_ref())?, file)? else {
            return Ok(TakeOutcome::Replaced);
        };
        rustix::fs::unlinkat(self.fd(), &temporary, AtFlags::empty())?;
        Ok(TakeOutcome::Taken)
    }

    /// Moves a name to another folder, under a name that no file has there, if it is of this file.
    ///
    /// # Errors
    /// [`io::ErrorKind::CrossesDevices`] if the folder is on another file system, [`io::ErrorKind::AlreadyExists`] if the new name
    /// is taken; otherwise, when the file cannot be renamed. The file then has its old name, unless the error names another one.
    pub fn move_if(
        &self,
        name: impl AsRef<OsStr>,
        file: FileId,
        to: &Self,
        new_name: impl AsRef<OsStr>,
    ) -> io::Result<TakeOutcome> {
        let (name, new_name) = (plain_name(name.as_ref())?, plain_name(new_name.as_ref())?);
        let Some(temporary) = self.set_aside(name, file)? else { return Ok(TakeOutcome::Replaced) };
        match rename_new(self, &temporary, to, new_name) {
            Ok(()) => Ok(TakeOutcome::Taken),
            Err(error) => {
                self.put_back(&temporary, name)?;
                Err(error.into())
            }
        }
    }

    /// Gives a file a random name, so that nothing else can get that name between the comparison and what follows; `None` if
    /// the name is of another file.
    fn set_aside(&self, name: &OsStr, file: FileId) -> io::Result<Option<OsString>> {
        if self.id_of(name)? != Some(file) {
            return Ok(None);
        }
        let temporary = temporary_name(name)?;
        match rename_new(self, name, self, &temporary) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if self.id_of(&temporary)? == Some(file) {
            return Ok(Some(temporary));
        }
        self.put_back(&temporary, name)?;
        Ok(None)
    }

    fn put_back(&self, temporary: &OsStr, name: &OsStr) -> io::Result<()> {
        rename_new(self, temporary, self, name).map_err(|error| {
            invalid(format!(
                "{} was replaced while it was being removed; its successor is now {}: {error}",
                self.path().join(name).display(),
                self.path().join(temporary).display()
            ))
        })
    }
}
