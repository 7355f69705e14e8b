//! The outbox folder of one package. A reader sees each file complete or not at all.
//!
//! Others may be able to write to the outbox. A package's folder is used only if it is the daemon's own and only the daemon can
//! write to it; a link, a file or another user's folder of that name is left alone.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::receipt::{MAX_RECEIPT, Receipt};
use crate::digest;
use dropship_config::outbox_layout::{DEFAULT_MODE, RECEIPT};
use dropship_job::Asset;
use dropship_shared_folder::{ListingExtent, MAX_ENTRIES, SharedFolder, StagedFile};

/// The outbox folder of one package.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    mode: u32,
}

impl Outbox {
    /// The outbox folder at a path. `mode` sets the permissions of files; the folder gets search permission in addition.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>, mode: Option<u32>) -> Self {
        Self { folder: folder.into(), mode: mode.unwrap_or(DEFAULT_MODE) }
    }

    /// Path of the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Creates the folder.
    ///
    /// # Errors
    /// When the file system refuses, or others can write to the folder.
    pub fn prepare(&self) -> io::Result<()> {
        self.open().map(drop)
    }

    /// Makes the names of the delivered files durable.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn sync(&self) -> io::Result<()> {
        self.open()?.sync()
    }

    /// Copies a file into the folder, under this name. The file is durable, its name is after [`Self::sync`].
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn deliver(&self, name: &str, from: &mut dyn Read) -> io::Result<Asset> {
        self.deliver_clone(name, from, None)
    }

    /// Like [`Self::deliver`], for bytes that `from` reads from `file`. The copy shares the blocks of the file if the file system
    /// can do that.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn deliver_clone(&self, name: &str, from: &mut dyn Read, file: Option<&File>) -> io::Result<Asset> {
        self.deliver_if(name, from, file, |_| true)
    }

    /// Like [`Self::deliver_clone`]. Fails if the copy is not as expected.
    ///
    /// # Errors
    /// As [`Self::prepare`]; [`io::ErrorKind::InvalidData`] if the copy is not as expected.
    pub fn deliver_if(
        &self,
        name: &str,
        from: &mut dyn Read,
        file: Option<&File>,
        is_expected: impl FnOnce(&Asset) -> bool,
    ) -> io::Result<Asset> {
        let folder = self.open()?;
        folder.remove_leftovers(name)?;
        let mut staged = folder.stage(name)?;
        let cloned = file.is_some_and(|file| rustix::fs::ioctl_ficlone(staged.file(), file).is_ok());
        let (sha256, size) = match cloned {
            true => digest::copy(from, &mut io::sink())?,
            false => {
                // A failed clone may have left data on file systems that clone in pieces.
                staged.file().set_len(0)?;
                digest::copy(from, &mut staged)?
            }
        };
        let asset = Asset { name: name.to_owned(), size, sha256 };
        if !is_expected(&asset) {
            let message = format!("{name} does not have the bytes that the job has recorded");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.complete(&staged, true)?;
        staged.publish(name)?;
        Ok(asset)
    }

    /// Replaces the receipt. The receipt of an unfinished job is not synced: all receipts are written again at startup.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn write_receipt(&self, receipt: &Receipt) -> io::Result<()> {
        self.replace_receipt(receipt, &|_| Ok(false)).map(drop)
    }

    /// Replaces the receipt. Keeps the present receipt if it is the daemon's own and `keeps` returns true for it. Returns whether
    /// the receipt was replaced.
    ///
    /// The comparison with the present receipt is the last step before the replacement. If a process was frozen for a while,
    /// another node may have taken over from it: the process then finds the receipt of that node.
    ///
    /// # Errors
    /// As [`Self::prepare`], and when `keeps` fails.
    pub(super) fn replace_receipt(
        &self,
        receipt: &Receipt,
        keeps: &dyn Fn(&Receipt) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let text = receipt.text()?;
        let folder = self.open()?;
        folder.remove_leftovers(RECEIPT)?;
        let mut staged = folder.stage(RECEIPT)?;
        staged.write_all(&text)?;
        let durable = receipt.state.has_ended();
        self.complete(&staged, durable)?;
        if let Some(existing) = receipt_in(&folder)
            && keeps(&existing)?
        {
            return Ok(false);
        }
        staged.publish(RECEIPT)?;
        if durable {
            folder.sync()?;
        }
        Ok(true)
    }

    fn complete(&self, staged: &StagedFile<'_>, durable: bool) -> io::Result<()> {
        staged.set_mode(self.mode)?;
        if durable { staged.file().sync_all() } else { Ok(()) }
    }

    /// Opens the folder; creates it if it does not exist.
    fn open(&self) -> io::Result<SharedFolder> {
        let (outbox, name) = split(&self.folder)?;
        let outbox = SharedFolder::open_or_create(outbox, search_mode(self.mode))?;
        let folder = match outbox.folder(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let created = outbox.create_folder(name, search_mode(self.mode))?;
                outbox.sync()?;
                created
            }
            opened => opened?,
        };
        match folder.is_private(&outbox)? {
            true => Ok(folder),
            false => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "another user owns the folder or can write to it, so it is not used",
            )),
        }
    }
}

/// The permissions of a folder whose files have this mode: to read a file, a user also needs search permission. Only the
/// daemon writes to it.
fn search_mode(mode: u32) -> u32 {
    (mode | ((mode & 0o444) >> 2) | 0o300) & 0o755
}

/// The outbox that contains a package's folder, and the folder's name.
fn split(folder: &Path) -> io::Result<(&Path, &std::ffi::OsStr)> {
    folder.parent().zip(folder.file_name()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not in an outbox", folder.display()))
    })
}

/// What an outbox has under the name of a package's folder. Others may have created it.
pub(super) enum FolderLookup {
    /// Nothing has this name.
    Nothing,
    /// A folder that only this process's user can write to.
    Own(SharedFolder),
    /// A link, a file, or a folder that others can write to.
    Foreign,
}

/// Opens a package's folder in an outbox.
///
/// # Errors
/// When the outbox cannot be searched, or the folder cannot be opened.
pub(super) fn find(outbox: &SharedFolder, name: impl AsRef<Path>) -> io::Result<FolderLookup> {
    match outbox.folder(name) {
        Ok(folder) if folder.is_private(outbox)? => Ok(FolderLookup::Own(folder)),
        Ok(_) => Ok(FolderLookup::Foreign),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(FolderLookup::Nothing),
            io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory => Ok(FolderLookup::Foreign),
            _ => Err(error),
        },
    }
}

/// Reads the receipt at the path of a package's folder; `None` if there is none, it is invalid, or it is not the daemon's own.
#[must_use]
pub fn read_receipt(folder: &Path) -> Option<Receipt> {
    let (outbox, name) = split(folder).ok()?;
    match find(&SharedFolder::open(outbox).ok()?, name) {
        Ok(FolderLookup::Own(folder)) => receipt_in(&folder),
        _ => None,
    }
}

/// Opens a result for reading.
///
/// # Errors
/// When there is no such result, or a link or another user's folder is in its place.
pub(super) fn open_result(folder: &Path, name: &str) -> io::Result<std::fs::File> {
    let (outbox, folder) = split(folder)?;
    match find(&SharedFolder::open(outbox)?, folder)? {
        FolderLookup::Own(folder) => Ok(folder.file(name)?.0),
        FolderLookup::Nothing => Err(io::ErrorKind::NotFound.into()),
        FolderLookup::Foreign => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user can write to the folder"))
        }
    }
}

/// The receipt in a package's folder, if it is the daemon's own regular file of at most 1 MiB.
pub(super) fn receipt_in(folder: &SharedFolder) -> Option<Receipt> {
    let (text, meta) = folder.read(RECEIPT, MAX_RECEIPT).ok()?;
    let is_own = folder.owns(&meta) && meta.permissions().mode() & 0o022 == 0;
    Receipt::parse(&text).filter(|_| is_own)
}

/// Calls `visit` with each receipt of an outbox that is the daemon's own, and with the path of its folder.
///
/// Other programs may keep files in an outbox. One that does not exist counts as empty.
///
/// # Errors
/// When the outbox cannot be read. When others have put more names there than are read, receipts may be missing.
pub(super) fn visit_receipts(outbox: &Path, mut visit: impl FnMut(PathBuf, Receipt)) -> io::Result<()> {
    let opened = match SharedFolder::open(outbox) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let listed = opened.list(|entry| {
        if entry.kind.may_be_folder()
            && let Ok(FolderLookup::Own(folder)) = find(&opened, entry.name)
            && let Some(receipt) = receipt_in(&folder)
        {
            visit(outbox.join(entry.name), receipt);
        }
        Ok(())
    })?;
    match listed {
        ListingExtent::Wholly => Ok(()),
        ListingExtent::InPart => Err(io::Error::other(format!(
            "it has more than {MAX_ENTRIES} names; remove those that are not dropship's"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use dropship_job::StateKind;
    use dropship_job::testing::JobBuilder;

    use super::*;
    use dropship_config::outbox_layout::SIGNED;

    #[test]
    fn delivered_result_has_its_mode_and_no_staging_file() {
        let home = tempfile::tempdir().expect("folder");
        let outbox = Outbox::at(home.path().join("a/echo-12345678"), Some(0o664));
        let asset = outbox.deliver(SIGNED, &mut &b"zip"[..]).expect("delivered");
        assert_eq!((asset.sha256, asset.size), (digest::of(b"zip"), 3));
        let path = outbox.folder().join(SIGNED);
        assert_eq!(fs::read(&path).expect("result"), b"zip");
        assert_eq!(fs::metadata(&path).expect("result").permissions().mode() & 0o777, 0o664);
        assert_eq!(fs::metadata(outbox.folder()).expect("folder").permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(outbox.folder()).expect("folder").count(), 1);
    }

    #[test]
    fn receipt_is_compared_when_the_new_one_is_complete() {
        let home = tempfile::tempdir().expect("folder");
        let outbox = Outbox::at(home.path().join("echo-12345678"), None);
        let job = JobBuilder::new("in", 1).build().expect("a job");
        let older = Receipt::of(&job, false);
        let newer = Receipt { state: StateKind::Succeeded, ..older.clone() };
        assert!(outbox.replace_receipt(&older, &|_| panic!("there is none")).expect("written"));
        // Another process writes one while this one is about to replace it.
        let keeps = |existing: &Receipt| {
            assert_eq!(fs::read_dir(outbox.folder()).expect("folder").count(), 2, "the new one is staged");
            Ok(existing.state == StateKind::Succeeded)
        };
        assert!(outbox.replace_receipt(&newer, &keeps).expect("written"));
        assert!(!outbox.replace_receipt(&older, &keeps).expect("compared"));
        assert_eq!(read_receipt(outbox.folder()).map(|existing| existing.state), Some(StateKind::Succeeded));
        assert_eq!(fs::read_dir(outbox.folder()).expect("folder").count(), 1, "nothing is left of it");
    }

    #[test]
    fn folder_in_setgid_outbox_keeps_the_setgid_bit() {
        let home = tempfile::tempdir().expect("folder");
        fs::set_permissions(home.path(), Permissions::from_mode(0o2775)).expect("setgid");
        for (name, mode) in [("a", None), ("b", Some(0o644))] {
            let outbox = Outbox::at(home.path().join(name), mode);
            outbox.deliver(SIGNED, &mut &b"zip"[..]).expect("delivered");
            let folder = fs::metadata(outbox.folder()).expect("folder").permissions().mode();
            assert_eq!(folder & 0o2000, 0o2000, "{name}: {folder:o}");
        }
    }

    #[test]
    fn folder_that_others_can_write_or_that_is_a_link_is_not_used() {
        let home = tempfile::tempdir().expect("folder");
        let (outbox, outside) = (home.path().join("out"), home.path().join("outside"));
        fs::create_dir_all(outbox.join("open")).expect("folder");
        fs::create_dir(&outside).expect("folder");
        fs::set_permissions(outbox.join("open"), Permissions::from_mode(0o777)).expect("opened");
        symlink(&outside, outbox.join("link")).expect("link");
        fs::write(outbox.join("file"), "x").expect("file");
        for name in ["open", "link", "file"] {
            let folder = outbox.join(name);
            assert!(Outbox::at(&folder, None).deliver(SIGNED, &mut &b"zip"[..]).is_err(), "{name}");
            assert_eq!(read_receipt(&folder), None);
        }
        assert_eq!(fs::read_dir(&outside).expect("listed").count(), 0);
        visit_receipts(&outbox, |at, _| panic!("{}", at.display())).expect("listed");
    }
}
