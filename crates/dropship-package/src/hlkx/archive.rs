//! The zip archive of an `.hlkx`: its directory, and its entries as streams.
//!
//! General zip libraries silently resolve duplicate names and accept Zip64. The inspection has to detect and report both.

use std::collections::HashMap;
use std::io;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::completeness::find_zip_end;
use crate::input::Input;

/// Length of an end record without comment, and maximum length of the comment.
const END: usize = 22;
const COMMENT: usize = 0xffff;
/// Maximum length of the directory.
const DIRECTORY: u32 = 16 * 1024 * 1024;
/// Bytes read and unpacked at once.
const CHUNK: usize = 64 * 1024;
/// Maximum unpacked length: 1 GiB plus 100 times the archive's length.
const UNPACKED: u64 = 1024 * 1024 * 1024;
const RATIO: u64 = 100;

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It uses Zip64.
    Zip64,
    /// Two entries have the same name, ignoring case.
    Duplicate(String),
    /// It violates its format.
    Malformed(&'static str),
}

/// One entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Name without a slash in front.
    pub(super) name: String,
    /// Length when unpacked.
    pub(super) size: u32,
    deflated: bool,
    crc: u32,
    packed: u32,
    header_at: u32,
}

/// An archive's directory.
pub(super) struct Archive<'a> {
    input: Input<'a>,
    /// Entries in the order of the directory.
    pub(super) entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    directory_at: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

impl<'a> Archive<'a> {
    /// Reads the directory.
    pub(super) fn open(input: Input<'a>) -> io::Result<Result<Self, Fault>> {
        const CUT: Fault = Fault::Malformed("its end record is not whole");
        // The locator of a Zip64 end record is in the 20 bytes before the end record.
        let longest = END.saturating_add(COMMENT).saturating_add(20);
        let tail = input.read_up_to(input.len().saturating_sub(longest as u64), longest)?;
        let Some(at) = find_zip_end(&tail) else {
            return Ok(Err(Fault::Malformed("there are bytes after its end record")));
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
            return Ok(Err(Fault::Zip64));
        }
        let end_at = input.len().saturating_sub((tail.len().saturating_sub(at)) as u64);
        if disks != 0 || u16_at(&tail, at + 8) != Some(count) {
            return Ok(Err(Fault::Malformed("it is one of several disks")));
        }
        if size > DIRECTORY || u64::from(offset).saturating_add(u64::from(size)) != end_at {
            return Ok(Err(Fault::Malformed("its directory is not where its end record states")));
        }
        let directory = input.read_up_to(u64::from(offset), usize::try_from(size).unwrap_or(0))?;
        let archive = match Self::index(input, &directory, count, offset) {
            Ok(archive) => archive,
            Err(fault) => return Ok(Err(fault)),
        };
        // Some tools mark entries for Zip64 only in the header before their data.
        for entry in &archive.entries {
            if archive.marked_zip64(entry)? {
                return Ok(Err(Fault::Zip64));
            }
        }
        Ok(Ok(archive))
    }

    /// True if an entry's own header asks for Zip64.
    fn marked_zip64(&self, entry: &Entry) -> io::Result<bool> {
        let at = u64::from(entry.header_at);
        let head = self.input.read_up_to(at, 30)?;
        let (Some(packed), Some(size), Some(name), Some(extra)) =
            (u32_at(&head, 18), u32_at(&head, 22), u16_at(&head, 26), u16_at(&head, 28))
        else {
            return Ok(false);
        };
        if packed == u32::MAX || size == u32::MAX {
            return Ok(true);
        }
        let fields = at.saturating_add(30).saturating_add(u64::from(name));
        Ok(extra > 0 && has_zip64_field(&self.input.read_up_to(fields, usize::from(extra))?))
    }

    fn index(input: Input<'a>, directory: &[u8], count: u16, directory_at: u32) -> Result<Self, Fault> {
        let (mut entries, mut by_name) = (Vec::new(), HashMap::new());
        let mut rest = directory;
        while !rest.is_empty() {
            let (entry, length) = entry(rest)?;
            let key = entry.name.to_lowercase();
            if by_name.insert(key, entries.len()).is_some() {
                return Err(Fault::Duplicate(entry.name));
            }
            entries.push(entry);
            rest = rest.get(length..).ok_or(Fault::Malformed("its directory is cut off"))?;
        }
        if entries.len() != usize::from(count) {
            return Err(Fault::Malformed(
                "its end record states another number of entries than its directory has",
            ));
        }
        // No bytes may belong to two entries, or to an entry and the directory.
        let mut places: Vec<(u64, u64)> = entries
            .iter()
            .map(|entry| (u64::from(entry.header_at), u64::from(entry.packed).saturating_add(30)))
            .collect();
        places.sort_unstable();
        let ends = places.iter().map(|(at, length)| at.saturating_add(*length));
        let next = places.iter().skip(1).map(|(at, _)| *at).chain([u64::from(directory_at)]);
        if ends.zip(next).any(|(end, next)| end > next) {
            return Err(Fault::Malformed("its entries overlap"));
        }
        if places.first().is_some_and(|(at, _)| *at != 0) {
            return Err(Fault::Malformed("there are bytes before its first entry"));
        }
        let archive = Self { input, entries, by_name, directory_at };
        let unpacked =
            archive.entries.iter().fold(0u64, |sum, entry| sum.saturating_add(u64::from(entry.size)));
        if unpacked > input.len().saturating_mul(RATIO).saturating_add(UNPACKED) {
            return Err(Fault::Malformed("it unpacks to more than 1 GiB plus 100 times its length"));
        }
        Ok(archive)
    }

    /// An entry by its name; part names are case-insensitive (ECMA-376 part 2).
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(*self.by_name.get(&name.to_lowercase())?)
    }

    /// Unpacks an entry into `sink`; the inner error is the fault of the entry.
    pub(super) fn stream(
        &self,
        entry: &Entry,
        mut sink: impl FnMut(&[u8]),
    ) -> io::Result<Result<(), &'static str>> {
        let at = match self.data_at(entry)? {
            Ok(at) => at,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut crc = Crc::new();
        let mut total = 0u64;
        let mut emit = |bytes: &[u8]| {
            crc.update(bytes);
            total = total.saturating_add(bytes.len() as u64);
            sink(bytes);
            total <= u64::from(entry.size)
        };
        let mut inflate = entry.deflated.then(|| Decompress::new(false));
        let mut out = vec![0; CHUNK];
        let (mut done, packed) = (0u64, u64::from(entry.packed));
        while done < packed {
            let length = usize::try_from(packed.saturating_sub(done)).unwrap_or(CHUNK).min(CHUNK);
            let chunk = self.input.read_up_to(at.saturating_add(done), length)?;
            if chunk.len() != length {
                return Ok(Err("it is cut off"));
            }
            done = done.saturating_add(length as u64);
            let is_intact = match &mut inflate {
                None => emit(&chunk),
                Some(inflate) => unpack(inflate, &chunk, &mut out, &mut emit, done == packed),
            };
            if !is_intact {
                return Ok(Err("it is damaged"));
            }
        }
        let is_intact = total == u64::from(entry.size) && crc.sum() == entry.crc;
        Ok(if is_intact { Ok(()) } else { Err("it is damaged") })
    }

    /// Unpacks an entry of at most `max` bytes.
    pub(super) fn read(&self, entry: &Entry, max: u32) -> io::Result<Result<Vec<u8>, &'static str>> {
        if entry.size > max {
            return Ok(Err("it is too long"));
        }
        let mut bytes = Vec::new();
        Ok(self.stream(entry, |part| bytes.extend_from_slice(part))?.map(|()| bytes))
    }

    /// Offset of an entry's data: after its own header, which must match the directory.
    fn data_at(&self, entry: &Entry) -> io::Result<Result<u64, &'static str>> {
        const MISMATCH: &str = "its header does not match the directory";
        let at = u64::from(entry.header_at);
        let head = self.input.read_up_to(at, 30usize.saturating_add(entry.name.len()))?;
        let (Some(name), Some(extra)) = (u16_at(&head, 26), u16_at(&head, 28)) else {
            return Ok(Err(MISMATCH));
        };
        // Both headers must have the same lengths, unless a record after the data has them (flag 8).
        let agreed = u16_at(&head, 6).is_some_and(|flags| flags & 8 != 0)
            || [(14, entry.crc), (18, entry.packed), (22, entry.size)]
                .iter()
                .all(|(at, known)| u32_at(&head, *at) == Some(*known));
        let same = agreed
            && u16_at(&head, 6).is_some_and(|flags| flags & 1 == 0)
            && head.starts_with(b"PK\x03\x04")
            && head.get(30..) == Some(entry.name.as_bytes())
            && usize::from(name) == entry.name.len()
            && u16_at(&head, 8) == Some(if entry.deflated { 8 } else { 0 });
        let start = at.saturating_add(30).saturating_add(u64::from(name)).saturating_add(u64::from(extra));
        let end = start.saturating_add(u64::from(entry.packed));
        Ok(if same && end <= u64::from(self.directory_at) { Ok(start) } else { Err(MISMATCH) })
    }
}

/// Unpacks a chunk into `emit`. False if the data is damaged, or does not end with its last chunk.
fn unpack(
    inflate: &mut Decompress,
    mut chunk: &[u8],
    out: &mut [u8],
    emit: &mut impl FnMut(&[u8]) -> bool,
    last: bool,
) -> bool {
    loop {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let Ok(status) = inflate.decompress(chunk, out, FlushDecompress::None) else {
            return false;
        };
        let used = usize::try_from(inflate.total_in().saturating_sub(before_in)).unwrap_or(0);
        let made = usize::try_from(inflate.total_out().saturating_sub(before_out)).unwrap_or(0);
        if !emit(out.get(..made).unwrap_or_default()) {
            return false;
        }
        chunk = chunk.get(used..).unwrap_or_default();
        if status == Status::StreamEnd {
            return last && chunk.is_empty();
        }
        if used == 0 && made == 0 {
            return chunk.is_empty() && !last;
        }
    }
}

/// Reads an entry of the directory, and returns its length too.
fn entry(bytes: &[u8]) -> Result<(Entry, usize), Fault> {
    const CUT: Fault = Fault::Malformed("its directory is cut off or damaged");
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(CUT);
    }
    let two = |at| u16_at(bytes, at).map(usize::from).ok_or(CUT);
    let four = |at| u32_at(bytes, at).ok_or(CUT);
    let (name, extra, comment) = (two(28)?, two(30)?, two(32)?);
    let name_end = 46usize.saturating_add(name);
    let extra_end = name_end.saturating_add(extra);
    let text = bytes.get(46..name_end).ok_or(CUT)?;
    let fields = bytes.get(name_end..extra_end).ok_or(CUT)?;
    let (packed, size, header_at) = (four(20)?, four(24)?, four(42)?);
    if packed == u32::MAX || size == u32::MAX || header_at == u32::MAX || has_zip64_field(fields) {
        return Err(Fault::Zip64);
    }
    if two(8)? & 1 != 0 {
        return Err(Fault::Malformed("an entry is encrypted"));
    }
    let deflated = match two(10)? {
        0 if packed == size => false,
        8 => true,
        _ => {
            return Err(Fault::Malformed("an entry is compressed with another method than deflate"));
        }
    };
    let name = std::str::from_utf8(text).map_err(|_| Fault::Malformed("a name is not UTF-8"))?;
    let entry = Entry { name: name.to_owned(), size, deflated, crc: four(16)?, packed, header_at };
    Ok((entry, extra_end.saturating_add(comment)))
}

/// True if the extra fields contain that of Zip64 (id 1).
fn has_zip64_field(mut fields: &[u8]) -> bool {
    while let (Some(id), Some(length)) = (u16_at(fields, 0), u16_at(fields, 2)) {
        if id == 1 {
            return true;
        }
        fields = fields.get(4usize.saturating_add(usize::from(length))..).unwrap_or_default();
    }
    false
}
