//! The central directory of a zip archive: its end record and its entries (APPNOTE.TXT 4.3.12, 4.3.16).

use std::io;

use crate::completeness::find_zip_end;
use crate::input::Input;

/// Length of an end record without comment, and maximum length of the comment.
const END: usize = 22;
const COMMENT: usize = 0xffff;
/// Maximum length of the directory.
const DIRECTORY: u32 = 16 * 1024 * 1024;

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ArchiveFault {
    /// It uses Zip64.
    Zip64,
    /// Two entries have the same name, ignoring case.
    Duplicate(String),
    /// It violates its format.
    Malformed(&'static str),
}

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveEntry {
    /// Name without a slash in front.
    pub(super) name: String,
    /// Length when unpacked.
    pub(super) size: u32,
    pub(super) is_deflated: bool,
    pub(super) crc: u32,
    pub(super) packed: u32,
    /// Flags, method and time, which its own header must repeat.
    pub(super) flags: u16,
    pub(super) time: u32,
    pub(super) header_at: u32,
    /// Offset of its data; known once its own header is read.
    pub(super) data_at: u64,
}

/// Where the directory is.
pub(super) struct EndRecord {
    pub(super) count: u16,
    pub(super) size: u32,
    pub(super) offset: u32,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads the end record, which must be the last bytes of the file.
pub(super) fn end(input: Input<'_>) -> io::Result<Result<EndRecord, ArchiveFault>> {
    const CUT: ArchiveFault = ArchiveFault::Malformed("its end record is not whole");
    // The locator of a Zip64 end record is in the 20 bytes before the end record.
    let longest = END.saturating_add(COMMENT).saturating_add(20);
    let tail = input.read_up_to(input.len().saturating_sub(longest as u64), longest)?;
    let Some(at) = find_zip_end(&tail) else {
        return Ok(Err(ArchiveFault::Malformed("there are bytes after its end record")));
    };
    let locator = at.checked_sub(20).and_then(|start| tail.get(start..at));
    let (Some(disks), Some(count), Some(size), Some(offset)) =
        (u32_at(&tail, at + 4), u16_at(&tail, at + 10), u32_at(&tail, at + 12), u32_at(&tail, at + 16))
    else {
        return Ok(Err(CUT));
    };
    if locator.is_some_and(|bytes| bytes.starts_with(b"PK\x06\x07"))
        || count == u16::MAX
        || size == u32::MAX
        || offset == u32::MAX
    {
        return Ok(Err(ArchiveFault::Zip64));
    }
    let length = tail.len().saturating_sub(at);
    if length != END {
        return Ok(Err(ArchiveFault::Malformed("it has a comment, which no signature covers")));
    }
    let end_at = input.len().saturating_sub(length as u64);
    if disks != 0 || u16_at(&tail, at + 8) != Some(count) {
        return Ok(Err(ArchiveFault::Malformed("it is one of several disks")));
    }
    if size > DIRECTORY || u64::from(offset).saturating_add(u64::from(size)) != end_at {
        return Ok(Err(ArchiveFault::Malformed("its directory is not where its end record states")));
    }
    Ok(Ok(EndRecord { count, size, offset }))
}

/// Reads an entry of the directory, and returns its length too.
pub(super) fn entry(bytes: &[u8]) -> Result<(ArchiveEntry, usize), ArchiveFault> {
    const CUT: ArchiveFault = ArchiveFault::Malformed("its directory is cut off or damaged");
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(CUT);
    }
    let two = |at| u16_at(bytes, at).ok_or(CUT);
    let four = |at| u32_at(bytes, at).ok_or(CUT);
    let (name, extra, comment) = (two(28)?, two(30)?, two(32)?);
    let name_end = 46usize.saturating_add(usize::from(name));
    let extra_end = name_end.saturating_add(usize::from(extra));
    let text = bytes.get(46..name_end).ok_or(CUT)?;
    let fields = bytes.get(name_end..extra_end).ok_or(CUT)?;
    let (packed, size, header_at) = (four(20)?, four(24)?, four(42)?);
    if packed == u32::MAX || size == u32::MAX || header_at == u32::MAX || has_zip64_field(fields) {
        return Err(ArchiveFault::Zip64);
    }
    if comment != 0 {
        return Err(ArchiveFault::Malformed("an entry has a comment, which no signature covers"));
    }
    if two(34)? != 0 {
        return Err(ArchiveFault::Malformed("an entry is on another disk"));
    }
    let flags = two(8)?;
    if flags & 1 != 0 {
        return Err(ArchiveFault::Malformed("an entry is encrypted"));
    }
    let is_deflated = match two(10)? {
        0 if packed == size => false,
        8 => true,
        _ => {
            return Err(ArchiveFault::Malformed("an entry is compressed with another method than deflate"));
        }
    };
    let name = std::str::from_utf8(text).map_err(|_| ArchiveFault::Malformed("a name is not UTF-8"))?;
    let entry = ArchiveEntry {
        name: name.to_owned(),
        size,
        is_deflated,
        crc: four(16)?,
        packed,
        flags,
        time: four(12)?,
        header_at,
        data_at: 0,
    };
    Ok((entry, extra_end))
}

/// True if the extra fields contain that of Zip64 (id 1).
pub(super) fn has_zip64_field(mut fields: &[u8]) -> bool {
    while let (Some(id), Some(length)) = (u16_at(fields, 0), u16_at(fields, 2)) {
        if id == 1 {
            return true;
        }
        fields = fields.get(4usize.saturating_add(usize::from(length))..).unwrap_or_default();
    }
    false
}
