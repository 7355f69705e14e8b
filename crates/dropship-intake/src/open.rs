//! Opens a file beneath a drop folder without following symbolic links.

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
    let below = path.strip_prefix(root).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not below {}", path.display(), root.display()),
        )
    })?;
    SharedFolder::open(root)?.file(below)
}
