//! The entries' own headers: each repeats the directory, and the entries fill the archive without gaps.
//!
//! Readers of zip archives differ in the header that they believe, and skip bytes that belong to no entry. With these rules
//! they all see the same parts. `System.IO.Packaging`, with which kits write, keeps them: it fills its reserve with an extra
//! field (0xa220) that only the entry's own header has, and writes a record after the data (flag 8) when it streams.

use std::io;

use super::directory::{ArchiveEntry, ArchiveFault, has_zip64_field, u16_at, u32_at};
use crate::input::Input;

/// Length of a header without name and extra fields.
const HEADER: usize = 30;
/// Flag for a record with checksum and lengths after the data.
const RECORD_FOLLOWS: u16 = 8;

const GAP: ArchiveFault =
    ArchiveFault::Malformed("there are bytes between its entries, which no signature covers");
const OVERLAP: ArchiveFault = ArchiveFault::Malformed("its entries overlap");

/// Checks all headers, and notes where the data of each entry begins. The entries fill the archive from its first byte up to
/// the directory.
pub(super) fn check(
    input: Input<'_>,
    entries: &mut [ArchiveEntry],
    directory_at: u32,
) -> io::Result<Result<(), ArchiveFault>> {
    let mut order: Vec<(u32, usize)> =
        entries.iter().enumerate().map(|(index, entry)| (entry.header_at, index)).collect();
    order.sort_unstable();
    let nexts: Vec<u32> = order.iter().skip(1).map(|(at, _)| *at).chain([directory_at]).collect();
    if order.first().map_or(directory_at, |(at, _)| *at) != 0 {
        return Ok(Err(ArchiveFault::Malformed("there are bytes before its first entry")));
    }
    for ((_, index), next) in order.into_iter().zip(nexts) {
        let Some(entry) = entries.get_mut(index) else { continue };
        if let Err(fault) = check_entry(input, entry, u64::from(next))? {
            return Ok(Err(fault));
        }
    }
    Ok(Ok(()))
}

/// Checks the header of one entry, which must end where the next one begins.
fn check_entry(
    input: Input<'_>,
    entry: &mut ArchiveEntry,
    next: u64,
) -> io::Result<Result<(), ArchiveFault>> {
    const MISMATCH: ArchiveFault =
        ArchiveFault::Malformed("the header of an entry does not match the directory");
    let at = u64::from(entry.header_at);
    let names_at = at.saturating_add(HEADER as u64);
    let head = input.read_up_to(at, HEADER.saturating_add(entry.name.len()))?;
    let (Some(flags), Some(packed), Some(size), Some(name), Some(extra)) =
        (u16_at(&head, 6), u32_at(&head, 18), u32_at(&head, 22), u16_at(&head, 26), u16_at(&head, 28))
    else {
        return Ok(Err(MISMATCH));
    };
    // Some tools mark entries for Zip64 only here.
    let fields_at = names_at.saturating_add(u64::from(name));
    if packed == u32::MAX
        || size == u32::MAX
        || (extra > 0 && has_zip64_field(&input.read_up_to(fields_at, usize::from(extra))?))
    {
        return Ok(Err(ArchiveFault::Zip64));
    }
    // An entry with a record after its data leaves these fields zero (APPNOTE.TXT 4.4.4).
    let numbers = [(14, entry.crc), (18, entry.packed), (22, entry.size)];
    let has_numbers = |zero: bool| {
        numbers.iter().all(|(at, expected)| u32_at(&head, *at) == Some(if zero { 0 } else { *expected }))
    };
    let is_streamed = flags & RECORD_FOLLOWS != 0;
    let is_same = (has_numbers(false) || (is_streamed && has_numbers(true)))
        && head.starts_with(b"PK\x03\x04")
        && head.get(HEADER..) == Some(entry.name.as_bytes())
        && usize::from(name) == entry.name.len()
        && flags == entry.flags
        && u16_at(&head, 8) == Some(if entry.is_deflated { 8 } else { 0 })
        && u32_at(&head, 10) == Some(entry.time);
    if !is_same {
        return Ok(Err(MISMATCH));
    }
    entry.data_at = fields_at.saturating_add(u64::from(extra));
    let end = entry.data_at.saturating_add(u64::from(entry.packed));
    match next.checked_sub(end) {
        None => Ok(Err(OVERLAP)),
        Some(0) if !is_streamed => Ok(Ok(())),
        Some(length) if is_streamed => check_record(input, entry, end, length),
        Some(_) => Ok(Err(GAP)),
    }
}

/// Checks the record after the data of an entry: with or without a signature in front, with lengths of 4 or 8 bytes, as
/// `System.IO.Packaging` streams them (APPNOTE.TXT 4.3.9).
fn check_record(
    input: Input<'_>,
    entry: &ArchiveEntry,
    at: u64,
    length: u64,
) -> io::Result<Result<(), ArchiveFault>> {
    const WRONG: ArchiveFault =
        ArchiveFault::Malformed("the record after an entry's data does not match the directory");
    let (has_mark, is_long) = match length {
        12 => (false, false),
        16 => (true, false),
        20 => (false, true),
        24 => (true, true),
        _ => return Ok(Err(GAP)),
    };
    let record = input.read_up_to(at, 24.min(usize::try_from(length).unwrap_or(24)))?;
    let mut expected = if has_mark { b"PK\x07\x08".to_vec() } else { Vec::new() };
    expected.extend_from_slice(&entry.crc.to_le_bytes());
    for number in [entry.packed, entry.size] {
        expected.extend_from_slice(&number.to_le_bytes());
        if is_long {
            expected.extend_from_slice(&[0; 4]);
        }
    }
    Ok(if record == expected { Ok(()) } else { Err(WRONG) })
}
