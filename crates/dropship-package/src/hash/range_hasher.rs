//! Digests of chosen ranges of a file.

use std::ops::Range;

use ring::digest::{Context, Digest};

use super::sequence::Sequence;

/// Hashes ranges of an input that arrives in chunks, as if the ranges followed one another.
pub(super) struct RangeHasher<'r> {
    ranges: &'r [Range<u64>],
    contexts: Vec<Context>,
}

impl<'r> RangeHasher<'r> {
    /// Computes one digest for each algorithm of the sequence.
    pub(super) fn new(sequence: &Sequence<'r>) -> Self {
        let mut contexts: Vec<_> =
            sequence.algorithms.iter().map(|algorithm| Context::new(algorithm)).collect();
        contexts.iter_mut().for_each(|context| context.update(sequence.prefix));
        Self { ranges: sequence.ranges, contexts }
    }

    /// Hashes the parts of a chunk that are in the ranges.
    pub(super) fn update(&mut self, chunk: &[u8], offset: u64) {
        for range in self.ranges {
            let part = overlap(chunk, offset, range);
            self.contexts.iter_mut().for_each(|context| context.update(part));
        }
    }

    /// The digests, in the order of the algorithms.
    pub(super) fn finish(self) -> Vec<Digest> {
        self.contexts.into_iter().map(Context::finish).collect()
    }
}

/// The part of a chunk that is in a range of the input.
fn overlap<'c>(chunk: &'c [u8], offset: u64, range: &Range<u64>) -> &'c [u8] {
    let end = offset.saturating_add(chunk.len() as u64);
    let from = range.start.clamp(offset, end).saturating_sub(offset);
    let to = range.end.clamp(offset, end).saturating_sub(offset);
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) => chunk.get(from..to).unwrap_or_default(),
        _ => &[],
    }
}
