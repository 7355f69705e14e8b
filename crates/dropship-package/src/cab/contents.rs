//! Reads the INFs of a cabinet, and the heads of its driver binaries.
//!
//! One pass over each folder, up to the end of its last wanted file: a folder can only be unpacked from its start.

use std::io;
use std::ops::Range;

use super::decode::{Decoder, Fault};
use super::header::Header;
use super::listing::{Folder, Listing};
use super::window::Window;
use crate::input::Input;

/// Maximum length of an INF.
const INF: u32 = 4 * 1024 * 1024;
/// Maximum length of all INFs of a package together.
const ALL_INFS: u64 = 12 * 1024 * 1024;
/// Bytes of a driver that hold its headers.
const DRIVER: u32 = 4096;
/// Maximum number of files that are read.
const MAX_FILES: usize = 2048;
/// Maximum number of bytes that are unpacked for one package: the size of the largest folder, and for small packages a
/// multiple of their length.
const BUDGET: u64 = 2 * 1024 * 1024 * 1024;
const BUDGET_FLOOR: u64 = 64 * 1024 * 1024;
const RATIO: u64 = 64;
/// Minimum cost of a block against the budget, so that empty blocks are not free.
const BLOCK_COST: u64 = 8 * 1024;

/// The contents of the wanted files.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Index of the file in the listing, and its bytes or its head.
    pub(crate) read: Vec<(usize, Vec<u8>)>,
    /// Index of the file, and why it could not be read.
    pub(crate) unread: Vec<(usize, Fault)>,
}

/// A file that is to be read.
struct Wanted {
    index: usize,
    range: Range<u64>,
    bytes: Vec<u8>,
}

/// True for files that are read completely.
pub(crate) fn is_inf(path: &str) -> bool {
    has_extension(path, "inf")
}

/// True for files whose PE header is read: drivers only, because each further file may mean unpacking more.
pub(crate) fn is_driver(path: &str) -> bool {
    has_extension(path, "sys")
}

fn has_extension(path: &str, wanted: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
}

/// Reads the wanted files of a cabinet.
pub(crate) fn read(input: Input<'_>, header: &Header, listing: &Listing) -> io::Result<Contents> {
    let mut contents = Contents::default();
    let mut folders: Vec<Vec<Wanted>> = listing.folders.iter().map(|_| Vec::new()).collect();
    let (mut infs, mut count) = (0u64, 0usize);
    for (index, entry) in listing.files.iter().enumerate() {
        let inf = is_inf(&entry.path);
        if !inf && !is_driver(&entry.path) {
            continue;
        }
        count = count.saturating_add(1);
        if inf {
            infs = infs.saturating_add(u64::from(entry.size));
        }
        if count > MAX_FILES || (inf && (entry.size > INF || infs > ALL_INFS)) {
            contents.unread.push((
                index,
                Fault::Unread("it is larger than 4 MiB, or the package has too many such files"),
            ));
            continue;
        }
        let length = if inf { entry.size } else { entry.size.min(DRIVER) };
        let start = u64::from(entry.offset);
        let range = start..start.saturating_add(u64::from(length));
        if let Some(folder) = folders.get_mut(usize::from(entry.folder)) {
            folder.push(Wanted { index, range, bytes: Vec::new() });
        }
    }
    let mut budget = input.len().saturating_mul(RATIO).saturating_add(BUDGET_FLOOR).min(BUDGET);
    for (folder, mut wanted) in listing.folders.iter().zip(folders) {
        if wanted.is_empty() {
            continue;
        }
        let outcome = unpack(input, header, folder, &mut wanted, &mut budget)?;
        let reason = outcome.err().unwrap_or(Fault::Damaged("the folder ends before the file does"));
        for file in wanted {
            if file.bytes.len() as u64 == file.range.end.saturating_sub(file.range.start) {
                contents.read.push((file.index, file.bytes));
            } else {
                contents.unread.push((file.index, reason));
            }
        }
    }
    contents.read.sort_by_key(|(index, _)| *index);
    contents.unread.sort_by_key(|(index, _)| *index);
    Ok(contents)
}

/// Unpacks a folder as far as its wanted files reach.
fn unpack(
    input: Input<'_>,
    header: &Header,
    folder: &Folder,
    wanted: &mut [Wanted],
    budget: &mut u64,
) -> io::Result<Result<(), Fault>> {
    const CUT: Fault = Fault::Damaged("its data is cut off");
    let mut decoder = match Decoder::new(folder.compression) {
        Ok(decoder) => decoder,
        Err(reason) => return Ok(Err(reason)),
    };
    wanted.sort_by_key(|file| file.range.start);
    let end = wanted.iter().map(|file| file.range.end).max().unwrap_or(0);
    let mut window = Window::new(input, u64::from(header.length));
    let prefix = 8usize.saturating_add(usize::from(header.data_reserve));
    let (mut at, mut position) = (u64::from(folder.at), 0u64);
    // Files before this one are complete: they end before the position.
    let mut first = 0usize;
    for _ in 0..folder.blocks {
        if position >= end {
            break;
        }
        let head = window.at(at, prefix)?;
        let Some((sum, packed, length)) = lengths(head).filter(|_| head.len() == prefix) else {
            return Ok(Err(CUT));
        };
        at = at.saturating_add(prefix as u64);
        *budget = match budget.checked_sub(BLOCK_COST.max(length as u64)) {
            Some(left) => left,
            None => {
                return Ok(Err(Fault::Unread(
                    "unpacking it exceeds the budget for a package of this length",
                )));
            }
        };
        let stop = position.saturating_add(length as u64);
        while wanted.get(first).is_some_and(|file| file.range.end <= position) {
            first = first.saturating_add(1);
        }
        let touched = wanted.iter().skip(first).take_while(|file| file.range.start < stop);
        let skip =
            matches!(decoder, Decoder::Stored) && !touched.into_iter().any(|file| file.range.end > position);
        if !skip {
            let data = window.at(at, packed)?;
            if data.len() != packed {
                return Ok(Err(CUT));
            }
            // With a reserve in each block, which no accepted signed cabinet has, the checksum covers that too.
            if sum != 0 && header.data_reserve == 0 && sum != checksum(data, packed, length) {
                return Ok(Err(Fault::Damaged("the checksum of a data block does not match")));
            }
            let block = match decoder.block(data, length) {
                Ok(block) => block,
                Err(reason) => return Ok(Err(reason)),
            };
            for file in wanted.iter_mut().skip(first).take_while(|file| file.range.start < stop) {
                copy_part(file, block, position);
            }
        }
        at = at.saturating_add(packed as u64);
        position = stop;
    }
    Ok(Ok(()))
}

/// Checksum, packed and unpacked length of a block.
fn lengths(head: &[u8]) -> Option<(u32, usize, usize)> {
    let two =
        |at: usize| Some(usize::from(u16::from_le_bytes(head.get(at..at.checked_add(2)?)?.try_into().ok()?)));
    let sum = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
    Some((sum, two(4)?, two(6)?))
}

/// The checksum of a block (`[MS-CAB]` 3.1): exclusive or of its little-endian numbers of 4 bytes, and of the 1 to 3 bytes
/// behind them as a big-endian number.
fn checksum(data: &[u8], packed: usize, length: usize) -> u32 {
    let mut fours = data.chunks_exact(4);
    let sum = fours.by_ref().fold(0, |sum, four| {
        sum ^ four.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte))
    });
    let rest = fours.remainder().iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    let lengths = u32::try_from(length << 16 | packed).unwrap_or(0);
    sum ^ rest ^ lengths
}

/// Copies the part of a block that belongs to a file.
fn copy_part(file: &mut Wanted, block: &[u8], position: u64) {
    let stop = position.saturating_add(block.len() as u64);
    let from = file.range.start.clamp(position, stop).saturating_sub(position);
    let to = file.range.end.clamp(position, stop).saturating_sub(position);
    if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
        && let Some(part) = block.get(from..to)
    {
        file.bytes.extend_from_slice(part);
    }
}
