//! The digests of the unpacked parts of an archive, by their places.

use std::collections::HashMap;

use ring::digest::Digest;

use super::directory::ArchiveEntry;

/// SHA-256 of unpacked parts.
#[derive(Debug)]
pub(crate) struct PartDigests {
    len: u64,
    by_key: HashMap<PartKey, Digest>,
}

/// Everything that the unpacked bytes of a part depend on, besides the bytes of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PartKey {
    data_at: u64,
    packed: u32,
    size: u32,
    crc: u32,
    is_deflated: bool,
}

impl PartKey {
    fn of(entry: &ArchiveEntry) -> Self {
        let ArchiveEntry { data_at, packed, size, crc, is_deflated, .. } = *entry;
        Self { data_at, packed, size, crc, is_deflated }
    }
}

impl PartDigests {
    /// None yet, of an archive of this length.
    pub(super) fn of_archive(len: u64) -> Self {
        Self { len, by_key: HashMap::new() }
    }

    /// Adds the digest of a part.
    pub(super) fn insert(&mut self, entry: &ArchiveEntry, digest: Digest) {
        self.by_key.insert(PartKey::of(entry), digest);
    }

    /// SHA-256 of a part of the archive of this length, which is intact then.
    pub(super) fn of(&self, len: u64, entry: &ArchiveEntry) -> Option<Digest> {
        self.by_key.get(&PartKey::of(entry)).copied().filter(|_| self.len == len)
    }
}
