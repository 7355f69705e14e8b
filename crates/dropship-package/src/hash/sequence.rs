//! The bytes of one digest.

use std::ops::Range;

use ring::digest::Algorithm;

/// Bytes that are hashed as one sequence: a prefix, then ranges of the input.
#[derive(Default)]
pub(crate) struct Sequence<'r> {
    /// Bytes before the ranges.
    pub(crate) prefix: &'r [u8],
    /// Ranges of the input, which ascend without overlap.
    pub(crate) ranges: &'r [Range<u64>],
    /// The algorithms; each computes one digest.
    pub(crate) algorithms: &'r [&'static Algorithm],
}
