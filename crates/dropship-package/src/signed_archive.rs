//! Checks the archive in which Microsoft returns a signed package, within a budget: its sender decides neither
//! the time nor the memory of the check.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::budget::Cancellation;

/// Maximum number of entries; a driver package has some tens.
const ENTRIES: usize = 65_535;
/// Maximum number of bytes read for the directory.
const DIRECTORY: u64 = 16 * 1024 * 1024;
/// Maximum unpacked length: 64 MiB plus 200 times the length of the archive.
const UNPACKED: u64 = 64 * 1024 * 1024;
const RATIO: u64 = 200;
/// Bytes read for the headers of all entries, besides their data.
const HEADERS: u64 = 64 * 1024 * 1024;
/// Bytes unpacked between two checks for a cancellation.
const CHUNK: usize = 256 * 1024;

/// Why an archive is refused. Names are escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedArchiveFault {
    /// It is no readable archive.
    #[error("not a ZIP: {0}")]
    NotAnArchive(String),
    /// It has too many entries, or names that are too long together.
    #[error("it has more than 65,535 entries, or its directory is longer than 16 MiB")]
    Directory,
    /// It unpacks to more than an archive of its length may.
    #[error("it unpacks to {unpacked} bytes, more than 64 MiB plus 200 times its length of {length} bytes")]
    Ratio {
        /// Stated unpacked length of all entries in bytes.
        unpacked: u64,
        /// Length of the archive in bytes.
        length: u64,
    },
    /// Two entries use the same bytes.
    #[error("its entries overlap")]
    Overlap,
    /// Two entries have the same name.
    #[error("two of its entries have the same name")]
    Duplicate,
    /// An entry has a name that an extraction must not use.
    #[error("the name of its entry `{name}` {problem}")]
    Name {
        /// The name.
        name: String,
        /// The mistake.
        problem: &'static str,
    },
    /// An entry cannot be unpacked.
    #[error("its entry `{name}` is damaged: {reason}")]
    Damaged {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A file of the package is not in the archive.
    #[error("it does not contain {0}")]
    Missing(String),
    /// The check was cancelled.
    #[error("the check was cancelled")]
    Cancelled,
}

/// Checks that a file is a ZIP with correct checksums that contains files of these names, ignoring case. Its cost is linear in
/// the length of the file.
///
/// # Errors
/// See [`SignedArchiveFault`].
pub fn check_signed_archive<'n>(
    mut source: impl Read + Seek,
    wanted: impl IntoIterator<Item = &'n str>,
    cancellation: &Cancellation,
) -> Result<(), SignedArchiveFault> {
    let unreadable = |error: io::Error| SignedArchiveFault::NotAnArchive(error.to_string());
    let length = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let left = Cell::new(DIRECTORY);
    let checked = check(BoundedReader { source, left: &left, cancellation }, length, wanted);
    if cancellation.is_cancelled() { Err(SignedArchiveFault::Cancelled) } else { checked }
}

fn check<'n>(
    source: BoundedReader<'_, impl Read + Seek>,
    length: u64,
    wanted: impl IntoIterator<Item = &'n str>,
) -> Result<(), SignedArchiveFault> {
    let (left, cancellation) = (source.left, source.cancellation);
    let opened = ZipArchive::new(source);
    if left.get() == 0 {
        return Err(SignedArchiveFault::Directory);
    }
    let mut zip = opened.map_err(|error| SignedArchiveFault::NotAnArchive(error.to_string()))?;
    left.set(length.saturating_add(HEADERS));
    let mut names = check_directory(&mut zip, length)?;
    left.set(length.saturating_add(HEADERS));
    let mut buffer = vec![0; CHUNK];
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| damaged(index, &error))?;
        let mut rest = entry.size();
        loop {
            if cancellation.is_cancelled() {
                return Err(SignedArchiveFault::Cancelled);
            }
            let reason = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => match rest.checked_sub(count as u64) {
                    Some(more) => {
                        rest = more;
                        continue;
                    }
                    None => "it is longer than the directory states".to_owned(),
                },
                Err(error) => error.to_string(),
            };
            return Err(SignedArchiveFault::Damaged { name: shown(entry.name_raw()), reason });
        }
    }
    let missing = wanted.into_iter().find(|name| !names.remove(&name.to_lowercase()));
    missing.map_or(Ok(()), |name| Err(SignedArchiveFault::Missing(name.to_owned())))
}

/// Checks what the directory states before anything is unpacked: number, names, places and lengths of the entries. Returns
/// the names of the files without their folders, in lower case.
fn check_directory(
    zip: &mut ZipArchive<impl Read + Seek>,
    length: u64,
) -> Result<BTreeSet<String>, SignedArchiveFault> {
    if zip.len() > ENTRIES {
        return Err(SignedArchiveFault::Directory);
    }
    if zip.has_duplicate_names() {
        return Err(SignedArchiveFault::Duplicate);
    }
    let (mut unpacked, mut places, mut paths) = (0u64, Vec::new(), BTreeSet::new());
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| damaged(index, &error))?;
        unpacked = unpacked.saturating_add(entry.size());
        let end = entry.data_start().unwrap_or_default().saturating_add(entry.compressed_size());
        places.push((entry.header_start(), end));
        let path = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/").to_lowercase();
        let problem = match problem(&path) {
            None if paths.contains(&path) => Some("is used twice"),
            problem => problem,
        };
        if let Some(problem) = problem {
            return Err(SignedArchiveFault::Name { name: shown(entry.name_raw()), problem });
        }
        paths.insert(path);
    }
    if unpacked > length.saturating_mul(RATIO).saturating_add(UNPACKED) {
        return Err(SignedArchiveFault::Ratio { unpacked, length });
    }
    places.sort_unstable();
    if places.iter().zip(places.iter().skip(1)).any(|(one, next)| one.1 > next.0) {
        return Err(SignedArchiveFault::Overlap);
    }
    Ok(paths.into_iter().filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect())
}

/// Why an extraction must not use a path, with `/` between its parts.
fn problem(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/');
    if path.is_empty() {
        Some("is empty")
    } else if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        Some("is an absolute path")
    } else if parts.any(|part| part == "..") {
        Some("leads out of the archive")
    } else if path.chars().any(char::is_control) {
        Some("has a control character")
    } else {
        None
    }
}

fn damaged(index: usize, error: &ZipError) -> SignedArchiveFault {
    SignedArchiveFault::Damaged { name: format!("number {index}"), reason: error.to_string() }
}

/// A name for a message.
fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    String::from_utf8_lossy(name).chars().take(LONGEST).flat_map(char::escape_debug).collect()
}

/// Reads at most a number of bytes, and nothing once it is cancelled.
struct BoundedReader<'a, R> {
    source: R,
    left: &'a Cell<u64>,
    cancellation: &'a Cancellation,
}

impl<R: Read> Read for BoundedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`, with which readers try again.
        if self.cancellation.is_cancelled() {
            return Err(io::Error::other("the check was cancelled"));
        }
        let count = self.source.read(buffer)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) if left > 0 => self.left.set(left),
            _ => {
                self.left.set(0);
                return Err(io::Error::other("more bytes must be read than an archive of this length needs"));
            }
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for BoundedReader<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}
