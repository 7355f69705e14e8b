//! The digests of the unpacked parts of an archive, by their places.

use std::collections::HashMap;

use ring::digest::Digest;

use super::directory::Entry;

/// SHA-256 of unpacked parts.
#[derive(Debug)]
pub(crate) struct PartDigests {
    len: u64,
    by_place: HashMap<Place, Digest>,
}

/// Everything that the unpacked bytes of a part depend on, besides the bytes of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    data_at: u64,
    packed: u32,
    size: u32,
    crc: u32,
    deflated: bool,
}

impl Place {
    fn of(entry: &Entry) -> Self {
        let Entry { data_at, packed, size, crc, deflated, .. } = *entry;
        Self { data_at, packed, size, crc, deflated }
    }
}

impl PartDigests {
    /// None yet, of an archive of this length.
    pub(super) fn of_archive(len: u64) -> Self {
        Self { len, by_place: HashMap::new() }
    }

    /// Adds the digest of a part.
    pub(super) fn insert(&mut self, entry: &Entry, digest: Digest) {
        self.by_place.insert(Place::of(entry), digest);
    }

    /// SHA-256 of a part of the archive of this length, which is intact then.
    pub(super) fn of(&self, len: u64, entry: &Entry) -> Option<Digest> {
        self.by_place.get(&Place::of(entry)).copied().filter(|_| self.len == len)
    }
}
