//! Where the results of a package are: in a folder, or on the object storage of all nodes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::claim::{Claim, claim};
use super::folder::{self, Outbox, read_receipt};
use super::objects::{self, ObjectResults};
use super::receipt::Receipt;
use super::removal;
use crate::package_store::PackageStore;
use dropship_job::Asset;
use dropship_shared_folder::Progress;

/// The place of a package's results and receipt. Methods block, for the time of the network if it is not a folder.
#[derive(Debug, Clone)]
pub enum ResultPlace {
    /// A folder in an outbox.
    Folder(Outbox),
    /// The storage of `[store] packages`.
    Objects(ObjectResults),
    /// Object storage that the configuration does not name.
    Unknown(PathBuf),
}

impl ResultPlace {
    /// The place at a path, or at an address below that of `packages`. `mode` sets the permissions of files.
    #[must_use]
    pub fn of(packages: &PackageStore, folder: impl Into<PathBuf>, mode: Option<u32>) -> Self {
        let folder = folder.into();
        match ObjectResults::at(packages, &folder) {
            Some(objects) => Self::Objects(objects),
            None if is_address(&folder) => Self::Unknown(folder),
            None => Self::Folder(Outbox::at(folder, mode)),
        }
    }

    /// Its path or address.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Self::Folder(outbox) => outbox.folder(),
            Self::Objects(objects) => &objects.folder,
            Self::Unknown(address) => address,
        }
    }

    /// The outbox that contains it.
    #[must_use]
    pub fn outbox(&self) -> &Path {
        self.folder().parent().unwrap_or(self.folder())
    }

    /// Creates the folder. Object storage has none.
    ///
    /// # Errors
    /// When the file system refuses, or others can write to the folder.
    pub fn prepare(&self) -> io::Result<()> {
        match self {
            Self::Folder(outbox) => outbox.prepare(),
            Self::Objects(_) => Ok(()),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// Makes the names of the delivered files durable.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn sync(&self) -> io::Result<()> {
        match self {
            Self::Folder(outbox) => outbox.sync(),
            // An object is durable when its call returns.
            Self::Objects(_) => Ok(()),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// Copies a file there, under this name. It appears complete.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn deliver(&self, name: &str, staged: &Path, progress: &Progress) -> io::Result<Asset> {
        match self {
            Self::Folder(outbox) => {
                let file = File::open(staged)?;
                outbox.deliver_clone(name, &mut progress.reader(&file), Some(&file))
            }
            Self::Objects(objects) => objects.deliver(name, staged, progress),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// Replaces the receipt. Keeps the present receipt if it is the daemon's own and `keeps` returns true for it. Returns whether
    /// the receipt was replaced.
    ///
    /// # Errors
    /// When the receipt cannot be written, or `keeps` fails.
    pub fn replace_receipt(
        &self,
        receipt: &Receipt,
        keeps: &dyn Fn(&Receipt) -> io::Result<bool>,
    ) -> io::Result<bool> {
        match self {
            Self::Folder(outbox) => outbox.replace_receipt(receipt, keeps),
            Self::Objects(objects) => objects.replace_receipt(receipt, keeps),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// The receipt; `None` if there is none, it is invalid, or it is not the daemon's own.
    ///
    /// # Errors
    /// When the storage does not respond.
    pub fn receipt(&self) -> io::Result<Option<Receipt>> {
        match self {
            Self::Folder(outbox) => Ok(read_receipt(outbox.folder())),
            Self::Objects(objects) => objects.receipt(),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// Opens a result for reading; `recorded` is what the job has recorded about it, if it has.
    ///
    /// # Errors
    /// When there is no such result, it cannot be read, or a link or another user's folder is in its place.
    pub fn open(&self, name: &str, recorded: Option<&Asset>) -> io::Result<File> {
        match self {
            Self::Folder(outbox) => folder::open_result(outbox.folder(), name),
            Self::Objects(objects) => objects.open(name, recorded),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }

    /// The size of a result in bytes. On object storage, the recorded size is returned without a request.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn size(&self, name: &str, recorded: Option<&Asset>) -> io::Result<u64> {
        match (self, recorded) {
            (Self::Objects(_), Some(asset)) => Ok(asset.size),
            _ => Ok(self.open(name, recorded)?.metadata()?.len()),
        }
    }

    /// Removes the results, with `with_receipt` also the receipt. Returns whether there was something to remove.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove(&self, with_receipt: bool) -> io::Result<bool> {
        match self {
            Self::Folder(outbox) => removal::remove(outbox.folder(), with_receipt),
            Self::Objects(objects) => objects.remove(with_receipt),
            Self::Unknown(address) => Err(unknown(address)),
        }
    }
}

/// Chooses the place of a package in an outbox. On object storage the place has the digest of the package, so that no other package
/// has the same place, and no request is needed.
#[must_use]
pub fn place_of_package(
    packages: &PackageStore,
    outbox: &Path,
    package: &str,
    sha256: &str,
    mode: Option<u32>,
    is_of_job: &dyn Fn(&Receipt) -> bool,
) -> Claim {
    match ResultPlace::of(packages, outbox, mode) {
        ResultPlace::Folder(_) => claim(outbox, package, sha256, mode, is_of_job),
        _ => Claim { folder: outbox.join(sha256), foreign: Vec::new() },
    }
}

/// Calls `visit` with each receipt of an outbox that is the daemon's own, and with the path of its folder.
///
/// Other programs may keep files in an outbox. One that does not exist counts as empty.
///
/// # Errors
/// When the outbox cannot be read. When others have put more names there than are read, receipts may be missing.
pub fn visit_receipts(
    packages: &PackageStore,
    outbox: &Path,
    mut visit: impl FnMut(PathBuf, Receipt),
) -> io::Result<()> {
    match ResultPlace::of(packages, outbox, None) {
        ResultPlace::Folder(_) => folder::visit_receipts(outbox, visit),
        ResultPlace::Objects(objects) => objects::visit_receipts(&objects, &mut visit),
        ResultPlace::Unknown(address) => Err(unknown(&address)),
    }
}

/// Whether this is the address of object storage, and no path.
#[must_use]
pub fn is_address(folder: &Path) -> bool {
    !folder.is_absolute() && folder.to_str().is_some_and(|text| text.contains("://"))
}

fn unknown(address: &Path) -> io::Error {
    let message = format!("{} is not below the address that `[store] packages` names", address.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
