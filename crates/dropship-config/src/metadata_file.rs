//! Driver metadata that operators name: the file that Microsoft sends, or the outbox folder of a package.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::outbox_layout::{METADATA, RECEIPT};
use dropship_hardware::{DownloadKind, DriverMetadata, MetadataError};
use dropship_shared_folder::named_file;

/// Driver metadata that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetadataFileError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The folder has no driver metadata.
    #[error("{} has no {METADATA}; it appears there once Microsoft has signed the package", .0.display())]
    NotThere(PathBuf),
    /// The path is neither a regular file nor a folder.
    #[error("{} is neither a file nor a folder", .0.display())]
    Special(PathBuf),
    /// The file is too large.
    #[error("{} has more than {max} bytes, the limit for driver metadata", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Maximum size, in bytes.
        max: u64,
    },
    /// The file has other content.
    #[error("{}: {error}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: MetadataError,
    },
}

/// Reads driver metadata from a file as Microsoft sends it, or from the folder of a package in an outbox. The receipt in such
/// a folder stands for the folder.
///
/// # Errors
/// When the file cannot be read, or contains no usable driver metadata.
pub fn read(named: &Path) -> Result<DriverMetadata, MetadataFileError> {
    let path = locate(named)?;
    let unreadable = |error| MetadataFileError::Unreadable { path: path.clone(), error };
    let max = DownloadKind::DriverMetadata.max_bytes();
    let mut bytes = Vec::new();
    let file = named_file::open(&path).map_err(unreadable)?;
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        return Err(MetadataFileError::TooLarge { path, max });
    }
    DriverMetadata::parse(&bytes).map_err(|error| MetadataFileError::Invalid { path: path.clone(), error })
}

/// The file that a path means.
fn locate(named: &Path) -> Result<PathBuf, MetadataFileError> {
    let is_receipt = named.file_name().is_some_and(|name| name == RECEIPT);
    let path = match named.parent().filter(|_| is_receipt) {
        Some(folder) => folder.join(METADATA),
        None if named.is_dir() => named.join(METADATA),
        None => named.to_owned(),
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(MetadataFileError::Special(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path != named => {
            Err(MetadataFileError::NotThere(path.parent().unwrap_or(named).to_owned()))
        }
        Err(error) => Err(MetadataFileError::Unreadable { path, error }),
    }
}
