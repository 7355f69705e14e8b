//! Reads the INFs of a cabinet, and the PE headers of its driver binaries.
//!
//! A folder can only be unpacked from its start, so each is unpacked once, up to the end of its last wanted file.

use std::io;
use std::ops::Range;

use super::decode::{DecodeFault, Decoder};
use super::header::Header;
use super::listing::{CabFolder, CabListing};
use super::window::InputWindow;
use crate::budget::WorkKind;
use crate::input::Input;

/// Maximum length of an INF.
const INF: u32 = 4 * 1024 * 1024;
/// Maximum length of all INFs of a package together.
const ALL_INFS: u64 = 12 * 1024 * 1024;
/// Number of bytes at the start of a driver that hold its headers.
const DRIVER: u32 = 4096;
/// Maximum number of files that are read.
const MAX_FILES: usize = 2048;
/// Maximum number of bytes that are unpacked for one package: 64 times its length plus 64 MiB, but at most 2 GiB, which is
/// the maximum size of a folder.
const BUDGET: u64 = 2 * 1024 * 1024 * 1024;
const BUDGET_FLOOR: u64 = 64 * 1024 * 1024;
const RATIO: u64 = 64;
/// Minimum cost of a block against the budget, so that empty blocks are not free.
const BLOCK_COST: u64 = 8 * 1024;

/// The contents of the wanted files.
#[derive(Debug, Clone, Default)]
pub(crate) struct CabContents {
    /// Index of the file in the listing, and its bytes (of a driver, the first [`DRIVER`]).
    pub(crate) read: Vec<(usize, Vec<u8>)>,
    /// Index of the file, and why it could not be read.
    pub(crate) unread: Vec<(usize, DecodeFault)>,
}

/// A file to read.
struct RequestedFile {
    index: usize,
    range: Range<u64>,
    bytes: Vec<u8>,
}

/// True for an INF, which is read completely.
pub(crate) fn is_inf(path: &str) -> bool {
    has_extension(path, "inf")
}

/// True for a driver, whose PE header is read. Other binaries are not read, because each file adds to the data that has
/// to be unpacked.
pub(crate) fn is_driver(path: &str) -> bool {
    has_extension(path, "sys")
}

fn has_extension(path: &str, expected: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(expected))
}

/// Reads the wanted files of a cabinet.
pub(crate) fn read(input: Input<'_>, header: &Header, listing: &CabListing) -> io::Result<CabContents> {
    let mut contents = CabContents::default();
    let mut folders: Vec<Vec<RequestedFile>> = listing.folders.iter().map(|_| Vec::new()).collect();
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
                DecodeFault::Unread("it is larger than 4 MiB, or the package has too many such files"),
            ));
            continue;
        }
        let length = if inf { entry.size } else { entry.size.min(DRIVER) };
        let start = u64::from(entry.offset);
        let range = start..start.saturating_add(u64::from(length));
        if let Some(folder) = folders.get_mut(usize::from(entry.folder)) {
            folder.push(RequestedFile { index, range, bytes: Vec::new() });
        }
    }
    let mut budget = input.len().saturating_mul(RATIO).saturating_add(BUDGET_FLOOR).min(BUDGET);
    // In the order of their data, so that the window moves forward only.
    let mut order: Vec<(&CabFolder, Vec<RequestedFile>)> = listing.folders.iter().zip(folders).collect();
    order.sort_by_key(|(folder, _)| folder.offset);
    let limits: Vec<u32> =
        order.iter().skip(1).map(|(folder, _)| folder.offset).chain([header.length]).collect();
    let mut window = InputWindow::new(input, u64::from(header.length));
    for ((folder, mut requested), limit) in order.into_iter().zip(limits) {
        if requested.is_empty() {
            continue;
        }
        let folder_data = BoundedFolder { folder, limit: u64::from(limit) };
        let outcome = unpack(input, &mut window, header, &folder_data, &mut requested, &mut budget)?;
        let reason = outcome.err().unwrap_or(DecodeFault::Damaged("the folder ends before the file does"));
        for file in requested {
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

/// A folder and the offset of what follows its data.
struct BoundedFolder<'l> {
    folder: &'l CabFolder,
    limit: u64,
}

/// Unpacks a folder up to the end of its last wanted file; the inner error is the fault of the folder.
fn unpack(
    input: Input<'_>,
    window: &mut InputWindow<'_>,
    header: &Header,
    BoundedFolder { folder, limit }: &BoundedFolder<'_>,
    requested: &mut [RequestedFile],
    budget: &mut u64,
) -> io::Result<Result<(), DecodeFault>> {
    const CUT: DecodeFault = DecodeFault::Damaged("its data is cut off");
    let mut decoder = match Decoder::new(folder.compression) {
        Ok(decoder) => decoder,
        Err(fault) => return Ok(Err(fault)),
    };
    requested.sort_by_key(|file| file.range.start);
    let end = requested.iter().map(|file| file.range.end).max().unwrap_or(0);
    let prefix = 8usize.saturating_add(usize::from(header.data_reserve));
    let (mut offset, mut position) = (u64::from(folder.offset), 0u64);
    // Files before this index are complete: they end at or before the position.
    let mut first = 0usize;
    for _ in 0..folder.blocks {
        if position >= end {
            break;
        }
        let head = window.at(offset, prefix)?;
        let Some(block) = BlockHead::read(head).filter(|_| head.len() == prefix) else {
            return Ok(Err(CUT));
        };
        offset = offset.saturating_add(prefix as u64);
        *budget = match budget.checked_sub(BLOCK_COST.max(block.length as u64)) {
            Some(remaining) => remaining,
            None => {
                return Ok(Err(DecodeFault::Unread(
                    "unpacking it exceeds the budget for a package of this length",
                )));
            }
        };
        input.charge(WorkKind::Unpacked, block.length as u64)?;
        if offset.saturating_add(block.packed as u64) > *limit {
            return Ok(Err(DecodeFault::Damaged("its data blocks run into those of the next folder")));
        }
        let stop = position.saturating_add(block.length as u64);
        while requested.get(first).is_some_and(|file| file.range.end <= position) {
            first = first.saturating_add(1);
        }
        let mut files_of_block = requested.iter().skip(first).take_while(|file| file.range.start < stop);
        let skip =
            matches!(decoder, Decoder::Stored) && !files_of_block.any(|file| file.range.end > position);
        if !skip {
            let data = window.at(offset, block.packed)?;
            if data.len() != block.packed {
                return Ok(Err(CUT));
            }
            let unpacked = match block.unpack(&mut decoder, data, header) {
                Ok(unpacked) => unpacked,
                Err(fault) => return Ok(Err(fault)),
            };
            for file in requested.iter_mut().skip(first).take_while(|file| file.range.start < stop) {
                copy_part(file, unpacked, position);
            }
        }
        offset = offset.saturating_add(block.packed as u64);
        position = stop;
    }
    Ok(Ok(()))
}

/// The header of a data block.
struct BlockHead {
    /// 0 if the block has no checksum.
    checksum: u32,
    /// Length in the cabinet.
    packed: usize,
    /// Length when unpacked.
    length: usize,
}

impl BlockHead {
    fn read(head: &[u8]) -> Option<Self> {
        let two = |at: usize| {
            Some(usize::from(u16::from_le_bytes(head.get(at..at.checked_add(2)?)?.try_into().ok()?)))
        };
        let checksum = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
        Some(Self { checksum, packed: two(4)?, length: two(6)? })
    }

    /// Verifies the checksum of the block's data, and unpacks it.
    fn unpack<'o>(
        &self,
        decoder: &'o mut Decoder,
        data: &'o [u8],
        header: &Header,
    ) -> Result<&'o [u8], DecodeFault> {
        // With a reserve in each block the checksum would cover that as well; no accepted signed cabinet has one.
        let is_checked = self.checksum != 0 && header.data_reserve == 0;
        if is_checked && self.checksum != checksum(data, self.packed, self.length) {
            return Err(DecodeFault::Damaged("the checksum of a data block does not match"));
        }
        decoder.block(data, self.length)
    }
}

/// The checksum of a block (`[MS-CAB]` 3.1): exclusive or of its little-endian 4-byte numbers, of the remaining 1 to 3 bytes
/// as a big-endian number, and of its two lengths.
fn checksum(data: &[u8], packed: usize, length: usize) -> u32 {
    let mut words = data.chunks_exact(4);
    let sum = words.by_ref().fold(0, |sum, word| {
        sum ^ word.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte))
    });
    let rest = words.remainder().iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    let lengths = u32::try_from(length << 16 | packed).unwrap_or(0);
    sum ^ rest ^ lengths
}

/// Appends the part of a block that belongs to the file. `position` is the block's offset in the unpacked folder.
fn copy_part(file: &mut RequestedFile, block: &[u8], position: u64) {
    let stop = position.saturating_add(block.len() as u64);
    let from = file.range.start.clamp(position, stop).saturating_sub(position);
    let to = file.range.end.clamp(position, stop).saturating_sub(position);
    if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
        && let Some(part) = block.get(from..to)
    {
        file.bytes.extend_from_slice(part);
    }
}
