//! The folder and file entries of a cabinet.

use std::collections::HashSet;
use std::io;

use encoding_rs::WINDOWS_1252;

use super::header::Header;
use super::window::InputWindow;
use crate::input::Input;

/// Attribute of a file whose name is UTF-8.
const NAME_IS_UTF: u16 = 0x80;
/// Maximum length of a name, without the zero at its end.
const NAME: usize = 256;
/// Maximum length of all names together; real packages need a fraction of it.
const ALL_NAMES: usize = 8 * 1024 * 1024;

/// A folder: a run of data blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CabFolder {
    /// Offset of its first block in the cabinet.
    pub(crate) offset: u32,
    /// Number of blocks.
    pub(crate) blocks: u16,
    /// Type and parameters of the compression.
    pub(crate) compression: u16,
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CabEntry {
    /// Path with slashes, without `./` before it.
    pub(crate) path: String,
    /// The name in the cabinet begins with `./` or `.\\`, as `find . | gcab` writes it.
    pub(crate) has_dot_prefix: bool,
    /// Length in bytes when unpacked.
    pub(crate) size: u32,
    /// Offset in the unpacked folder.
    pub(crate) offset: u32,
    /// Index of its folder.
    pub(crate) folder: u16,
}

/// All entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct CabListing {
    pub(crate) folders: Vec<CabFolder>,
    pub(crate) files: Vec<CabEntry>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads the entries; the inner error names a violation of the format.
pub(crate) fn read(input: Input<'_>, header: &Header) -> io::Result<Result<CabListing, &'static str>> {
    let mut window = InputWindow::new(input, u64::from(header.length));
    let mut listing = CabListing::default();
    let mut at = u64::from(header.folders_at);
    let step = 8usize.saturating_add(usize::from(header.folder_reserve));
    for _ in 0..header.folders {
        let Some(folder) = folder(window.at(at, step)?, step) else {
            return Ok(Err("its folder entries are cut off"));
        };
        listing.folders.push(folder);
        at = at.saturating_add(step as u64);
    }
    at = u64::from(header.files_at);
    let mut names = 0usize;
    for _ in 0..header.files {
        let Some((entry, length)) = file(window.at(at, 16usize.saturating_add(NAME).saturating_add(1))?)
        else {
            return Ok(Err("its file entries are cut off or have names that are too long"));
        };
        if usize::from(entry.folder) >= listing.folders.len() {
            return Ok(Err("a file is in a folder that does not exist"));
        }
        names = names.saturating_add(entry.path.len());
        if names > ALL_NAMES {
            return Ok(Err("its file names take more than 8 MiB"));
        }
        at = at.saturating_add(length as u64);
        listing.files.push(entry);
    }
    Ok(match shared_bytes(&listing) {
        Some(reason) => Err(reason),
        None => Ok(listing),
    })
}

/// Why the folders or the files overlap: readers would unpack the same data many times. Two entries for the same bytes are
/// allowed, because some tools store duplicate files once.
fn shared_bytes(listing: &CabListing) -> Option<&'static str> {
    let mut offsets = HashSet::new();
    if !listing.folders.iter().filter(|folder| folder.blocks > 0).all(|folder| offsets.insert(folder.offset))
    {
        return Some("two of its folders share their data");
    }
    let filled = listing.files.iter().filter(|file| file.size > 0);
    let mut ranges: Vec<(u16, u64, u64)> = filled
        .map(|file| {
            let start = u64::from(file.offset);
            (file.folder, start, start.saturating_add(u64::from(file.size)))
        })
        .collect();
    ranges.sort_unstable();
    let pairs = ranges.iter().zip(ranges.iter().skip(1));
    let overlap = |(one, other): (&(u16, u64, u64), &(u16, u64, u64))| {
        one.0 == other.0 && other.1 < one.2 && one != other
    };
    pairs.into_iter().any(overlap).then_some("two of its files share a part of their bytes")
}

fn folder(bytes: &[u8], step: usize) -> Option<CabFolder> {
    if bytes.len() < step {
        return None;
    }
    Some(CabFolder { offset: u32_at(bytes, 0)?, blocks: u16_at(bytes, 4)?, compression: u16_at(bytes, 6)? })
}

/// Reads a file entry, and returns its length too.
fn file(bytes: &[u8]) -> Option<(CabEntry, usize)> {
    let attributes = u16_at(bytes, 14)?;
    let name = bytes.get(16..)?;
    let length = name.iter().position(|byte| *byte == 0)?;
    let name = name.get(..length)?;
    let path = if attributes & NAME_IS_UTF != 0 {
        String::from_utf8_lossy(name).into_owned()
    } else {
        WINDOWS_1252.decode_without_bom_handling(name).0.into_owned()
    };
    let (path, has_dot_prefix) = without_dot_prefix(path.replace('\\', "/"));
    let entry = CabEntry {
        path,
        has_dot_prefix,
        size: u32_at(bytes, 0)?,
        offset: u32_at(bytes, 4)?,
        folder: u16_at(bytes, 8)?,
    };
    Some((entry, length.checked_add(17)?))
}

/// Removes a `./` prefix, and returns whether there was one. A path that would be absolute without the prefix is kept, so
/// that the check of paths refuses it.
fn without_dot_prefix(path: String) -> (String, bool) {
    let mut rest = path.as_str();
    while let Some(tail) = rest.strip_prefix("./") {
        rest = tail;
    }
    if rest.len() == path.len() || rest.is_empty() || rest.starts_with('/') {
        return (path, false);
    }
    (rest.to_owned(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_prefix_is_removed_however_often_it_is_repeated() {
        for (written, path) in [("./Pkg/x.inf", "Pkg/x.inf"), ("././x", "x"), ("./.hidden/x", ".hidden/x")] {
            assert_eq!(without_dot_prefix(written.to_owned()), (path.to_owned(), true));
        }
    }

    #[test]
    fn other_path_stays_as_it_is_written() {
        for path in ["Pkg/x.inf", "../x", ".x", "./", ".//server/x", "Pkg/./x", ".", ""] {
            assert_eq!(without_dot_prefix(path.to_owned()), (path.to_owned(), false));
        }
    }
}
