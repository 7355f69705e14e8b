//! The zip archive of an `.hlkx`: its entries by name, and as streams.
//!
//! General zip libraries silently resolve duplicate names and accept Zip64. The inspection has to detect and report both.

use std::collections::HashMap;
use std::io;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use ring::digest::Digest;

use super::directory::{self, ArchiveEntry, ArchiveFault, EndRecord};
use super::local_headers;
use super::part_digests::PartDigests;
use crate::budget::WorkKind;
use crate::input::Input;

/// Bytes read and unpacked at once.
const CHUNK: usize = 64 * 1024;
/// Maximum unpacked length: 64 MiB plus 100 times the archive's length.
const UNPACKED: u64 = 64 * 1024 * 1024;
const RATIO: u64 = 100;

/// An archive whose directory and headers agree.
pub(super) struct Archive<'a> {
    input: Input<'a>,
    /// Entries in the order of the directory.
    pub(super) entries: Vec<ArchiveEntry>,
    by_name: HashMap<String, usize>,
    /// Digests of parts that were computed before.
    previewed: Option<&'a PartDigests>,
}

impl<'a> Archive<'a> {
    /// Reads the directory and the headers of all entries.
    pub(super) fn open(input: Input<'a>) -> io::Result<Result<Self, ArchiveFault>> {
        let (mut archive, end) = match Self::directory(input)? {
            Ok(found) => found,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(local_headers::check(input, &mut archive.entries, end.offset)?.map(|()| archive))
    }

    /// Reads the directory only. It is unknown where the data of an entry begins.
    pub(super) fn listed(input: Input<'a>) -> io::Result<Result<Self, ArchiveFault>> {
        Ok(Self::directory(input)?.map(|(archive, _)| archive))
    }

    /// An archive of which nothing is known, to unpack entries that are.
    pub(super) fn of_input(input: Input<'a>) -> Self {
        Self { input, entries: Vec::new(), by_name: HashMap::new(), previewed: None }
    }

    /// The same archive with digests that were computed before.
    pub(super) fn previewed(self, previewed: Option<&'a PartDigests>) -> Self {
        Self { previewed, ..self }
    }

    /// SHA-256 of the unpacked bytes of an entry, if it was computed before; then the entry is intact.
    pub(super) fn previewed_sha256(&self, entry: &ArchiveEntry) -> Option<Digest> {
        self.previewed?.of(self.input.len(), entry)
    }

    fn directory(input: Input<'a>) -> io::Result<Result<(Self, EndRecord), ArchiveFault>> {
        let end = match directory::end(input)? {
            Ok(end) => end,
            Err(fault) => return Ok(Err(fault)),
        };
        let directory = input.read_up_to(u64::from(end.offset), usize::try_from(end.size).unwrap_or(0))?;
        Ok(Self::index(input, &directory, &end).map(|archive| (archive, end)))
    }

    fn index(input: Input<'a>, directory: &[u8], end: &EndRecord) -> Result<Self, ArchiveFault> {
        let (mut entries, mut by_name) = (Vec::new(), HashMap::new());
        let mut rest = directory;
        while !rest.is_empty() {
            let (entry, length) = directory::entry(rest)?;
            let key = entry.name.to_lowercase();
            if by_name.insert(key, entries.len()).is_some() {
                return Err(ArchiveFault::Duplicate(entry.name));
            }
            entries.push(entry);
            rest = rest.get(length..).ok_or(ArchiveFault::Malformed("its directory is cut off"))?;
        }
        if entries.len() != usize::from(end.count) {
            return Err(ArchiveFault::Malformed(
                "its end record states another number of entries than its directory has",
            ));
        }
        let archive = Self { input, entries, by_name, previewed: None };
        let unpacked =
            archive.entries.iter().fold(0u64, |sum, entry| sum.saturating_add(u64::from(entry.size)));
        if unpacked > input.len().saturating_mul(RATIO).saturating_add(UNPACKED) {
            return Err(ArchiveFault::Malformed("it unpacks to more than 64 MiB plus 100 times its length"));
        }
        Ok(archive)
    }

    /// Counts work on the bytes of this archive.
    pub(super) fn charge(&self, kind: WorkKind, amount: u64) -> io::Result<()> {
        self.input.charge(kind, amount)
    }

    /// An entry by its name; part names are case-insensitive (ECMA-376 part 2).
    pub(super) fn find(&self, name: &str) -> Option<&ArchiveEntry> {
        self.entries.get(*self.by_name.get(&name.to_lowercase())?)
    }

    /// Unpacks an entry into `sink`; the inner error is the fault of the entry.
    pub(super) fn stream(
        &self,
        entry: &ArchiveEntry,
        mut sink: impl FnMut(&[u8]),
    ) -> io::Result<Result<(), &'static str>> {
        let mut crc = Crc::new();
        let mut total = 0u64;
        let mut emit = |bytes: &[u8]| {
            crc.update(bytes);
            total = total.saturating_add(bytes.len() as u64);
            sink(bytes);
            total <= u64::from(entry.size)
        };
        let mut inflate = entry.is_deflated.then(|| Decompress::new(false));
        let mut out = vec![0; CHUNK];
        let (mut read, packed) = (0u64, u64::from(entry.packed));
        // More than this ends the loop.
        self.charge(WorkKind::Unpacked, u64::from(entry.size))?;
        while read < packed {
            let length = usize::try_from(packed.saturating_sub(read)).unwrap_or(CHUNK).min(CHUNK);
            let chunk = self.input.read_up_to(entry.data_at.saturating_add(read), length)?;
            if chunk.len() != length {
                return Ok(Err("it is cut off"));
            }
            read = read.saturating_add(length as u64);
            let is_intact = match &mut inflate {
                None => emit(&chunk),
                Some(inflate) => unpack(inflate, &chunk, &mut out, &mut emit, read == packed),
            };
            if !is_intact {
                return Ok(Err("it is damaged"));
            }
        }
        let is_intact = total == u64::from(entry.size) && crc.sum() == entry.crc;
        Ok(if is_intact { Ok(()) } else { Err("it is damaged") })
    }

    /// Unpacks an entry of at most `max` bytes.
    pub(super) fn read(&self, entry: &ArchiveEntry, max: u32) -> io::Result<Result<Vec<u8>, &'static str>> {
        if entry.size > max {
            return Ok(Err("it is too long"));
        }
        let mut bytes = Vec::new();
        Ok(self.stream(entry, |part| bytes.extend_from_slice(part))?.map(|()| bytes))
    }
}

/// Unpacks a chunk into `emit`. False if the data is damaged, or does not end with its last chunk.
fn unpack(
    inflate: &mut Decompress,
    mut chunk: &[u8],
    out: &mut [u8],
    emit: &mut impl FnMut(&[u8]) -> bool,
    is_last: bool,
) -> bool {
    loop {
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let Ok(status) = inflate.decompress(chunk, out, FlushDecompress::None) else {
            return false;
        };
        let consumed = usize::try_from(inflate.total_in().saturating_sub(before_in)).unwrap_or(0);
        let produced = usize::try_from(inflate.total_out().saturating_sub(before_out)).unwrap_or(0);
        if !emit(out.get(..produced).unwrap_or_default()) {
            return false;
        }
        chunk = chunk.get(consumed..).unwrap_or_default();
        if status == Status::StreamEnd {
            return is_last && chunk.is_empty();
        }
        if consumed == 0 && produced == 0 {
            return chunk.is_empty() && !is_last;
        }
    }
}
