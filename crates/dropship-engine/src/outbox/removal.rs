//! Removes results from a folder of an outbox.

use std::io;
use std::path::Path;

use super::folder::{FolderLookup, find};
use dropship_config::outbox_layout::{RECEIPT, RESULTS};
use dropship_shared_folder::SharedFolder;

/// Removes the results in a package's folder, the receipt last, and then the folder if it is empty. Returns whether a file was
/// removed.
///
/// Without `with_receipt` the receipt is kept: a rebuilt or restored store needs it to recognise a package that was already processed.
///
/// # Errors
/// When a file cannot be removed.
pub(super) fn remove(package: &Path, with_receipt: bool) -> io::Result<bool> {
    let (Some(outbox), Some(name)) = (package.parent(), package.file_name()) else { return Ok(false) };
    let outbox = SharedFolder::open(outbox)?;
    let FolderLookup::Own(folder) = find(&outbox, name)? else { return Ok(false) };
    let mut has_removed = false;
    for name in RESULTS.into_iter().chain(with_receipt.then_some(RECEIPT)) {
        folder.remove_leftovers(name)?;
        has_removed |= folder.remove_file(name)?;
    }
    match outbox.remove_folder(name) {
        Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error),
        _ => Ok(has_removed),
    }
}
