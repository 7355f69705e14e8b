//! Lists a folder without keeping its names: others may create any number.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Dir, FileType};

use crate::folder::SharedFolder;

/// Maximum number of entries that are read.
pub const MAX_ENTRIES: usize = 1_000_000;

/// Whether a folder was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ListingExtent {
    /// Every entry.
    Wholly,
    /// [`MAX_ENTRIES`]; there are more.
    InPart,
}

/// What an entry may be, as far as the folder says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryKind(FileType);

impl EntryKind {
    /// It may be a folder. Some file systems do not say.
    #[must_use]
    pub fn may_be_folder(self) -> bool {
        matches!(self.0, FileType::Directory | FileType::Unknown)
    }

    /// It may be a regular file. Some file systems do not say.
    #[must_use]
    pub fn may_be_file(self) -> bool {
        matches!(self.0, FileType::RegularFile | FileType::Unknown)
    }
}

/// An entry of a folder.
#[derive(Debug, Clone, Copy)]
pub struct FolderEntry<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// What it may be.
    pub kind: EntryKind,
    /// Its inode number.
    pub ino: u64,
}

impl SharedFolder {
    /// Calls `visit` for each entry, in no order, until it returns an error. Reads at most [`MAX_ENTRIES`].
    ///
    /// # Errors
    /// When the folder cannot be read, or `visit` fails.
    pub fn list(
        &self,
        mut visit: impl FnMut(FolderEntry<'_>) -> io::Result<()>,
    ) -> io::Result<ListingExtent> {
        let mut read = 0;
        for entry in Dir::new(self.readable()?)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if read == MAX_ENTRIES {
                return Ok(ListingExtent::InPart);
            }
            read += 1;
            visit(FolderEntry { name, kind: EntryKind(entry.file_type()), ino: entry.ino() })?;
        }
        Ok(ListingExtent::Wholly)
    }
}
