//! What is read from the tables, counted: the cost of a package must not grow with what the store remembers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was read from the tables of a store since it was opened, by queries and by its writer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Keys that were looked up, and ranges that were read.
    pub lookups: u64,
    /// Pairs that these had.
    pub pairs: u64,
    /// Size of these pairs in bytes; of keys that were read without their values, the size of the keys.
    pub bytes: u64,
}

/// Counts what is read.
#[derive(Debug, Default)]
pub(crate) struct ReadCounter {
    lookups: AtomicU64,
    pairs: AtomicU64,
    bytes: AtomicU64,
}

impl ReadCounter {
    /// Counts one look-up that found pairs of these sizes.
    pub(crate) fn note(&self, found: impl IntoIterator<Item = usize>) {
        let (mut pairs, mut bytes) = (0u64, 0u64);
        for size in found {
            pairs = pairs.saturating_add(1);
            bytes = bytes.saturating_add(size as u64);
        }
        self.note_sum(pairs, bytes);
    }

    /// Counts one look-up that found this many pairs, with this many bytes in all.
    pub(crate) fn note_sum(&self, pairs: u64, bytes: u64) {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        self.pairs.fetch_add(pairs, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn read(&self) -> Reads {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reads { lookups: of(&self.lookups), pairs: of(&self.pairs), bytes: of(&self.bytes) }
    }
}
