//! A buffer for small reads that move forward through an input.

use std::io;

use crate::input::Input;

/// Bytes read at once.
const WINDOW: usize = 256 * 1024;

/// A buffered range of the input.
pub(super) struct InputWindow<'a> {
    input: Input<'a>,
    end: u64,
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> InputWindow<'a> {
    /// Reads the input up to the offset `end`.
    pub(super) fn new(input: Input<'a>, end: u64) -> Self {
        Self { input, end: end.min(input.len()), start: 0, buffer: Vec::new() }
    }

    /// `length` bytes at the offset, or fewer at the end. `length` must be at most 64 KiB.
    pub(super) fn at(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let available = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(available);
        let inside = |window: &Self| {
            let from = usize::try_from(offset.checked_sub(window.start)?).ok()?;
            Some(from..from.checked_add(length)?).filter(|range| range.end <= window.buffer.len())
        };
        if inside(self).is_none() {
            self.input.fill(&mut self.buffer, offset, WINDOW.max(length).min(available))?;
            self.start = offset;
        }
        let range = inside(self).unwrap_or(0..0);
        Ok(self.buffer.get(range).unwrap_or_default())
    }
}
