//! Uses names below a drop folder without following symbolic links.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use dropship_shared_folder::SharedFolder;

/// Opens a regular file below `root` for reading. Follows no symbolic link below `root` and does not block on a FIFO.
///
/// The path of `root` itself may contain links, because the administrator has configured it.
///
/// # Errors
/// The file cannot be opened; `InvalidInput` if it is not a regular file or not below `root`.
pub fn open_below(root: &Path, path: &Path) -> io::Result<(File, Metadata)> {
    SharedFolder::open(root)?.file(below(root, path)?)
}

/// The metadata of an entry of any kind below `root`, that of a link itself.
///
/// # Errors
/// As [`open_below`]; the entry needs not be readable.
pub fn metadata_below(root: &Path, path: &Path) -> io::Result<Metadata> {
    SharedFolder::open(root)?.metadata(below(root, path)?)
}

/// Opens the folder `root` or one below it.
///
/// # Errors
/// As [`open_below`].
pub fn folder_below(root: &Path, path: &Path) -> io::Result<SharedFolder> {
    let folder = SharedFolder::open(root)?;
    if path == root { Ok(folder) } else { folder.folder(below(root, path)?) }
}

/// Whether an error of these means that there is no such entry: not any more, or not without following a link.
#[must_use]
pub fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
    )
}

fn below<'p>(root: &Path, path: &'p Path) -> io::Result<&'p Path> {
    path.strip_prefix(root).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not below {}", path.display(), root.display()),
        )
    })
}
