//! The bytes of a package while it is copied, for a reader that mostly moves forward.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

/// Number of bytes before the last read that can be read again.
const BEHIND: u64 = 1 << 20;

/// Receives the chunks of a file in order. A read blocks until its bytes have arrived; a read too far behind the last one fails.
#[derive(Debug)]
pub(crate) struct ChunkStream {
    len: u64,
    window: Mutex<ChunkWindow>,
}

#[derive(Debug)]
struct ChunkWindow {
    chunks: Receiver<Arc<[u8]>>,
    kept_chunks: VecDeque<Arc<[u8]>>,
    /// Offset of the first chunk that is kept.
    start: u64,
    /// Offset of the next chunk.
    end: u64,
}

impl ChunkStream {
    /// A stream of `len` bytes.
    pub(super) fn new(len: u64, chunks: Receiver<Arc<[u8]>>) -> Self {
        Self {
            len,
            window: Mutex::new(ChunkWindow { chunks, kept_chunks: VecDeque::new(), start: 0, end: 0 }),
        }
    }

    /// Length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills the buffer from the offset.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.receive(offset, offset.saturating_add(buffer.len() as u64))?;
        window.copy(buffer, offset)
    }
}

impl ChunkWindow {
    /// Receives chunks up to an offset; forgets those that are far before the offset `from`.
    fn receive(&mut self, from: u64, to: u64) -> io::Result<()> {
        loop {
            while let Some(first) = self.kept_chunks.front() {
                let end = self.start.saturating_add(first.len() as u64);
                if end.saturating_add(BEHIND) > from {
                    break;
                }
                self.start = end;
                self.kept_chunks.pop_front();
            }
            if self.end >= to {
                return Ok(());
            }
            let chunk = self.chunks.recv().map_err(|_| io::Error::from(ErrorKind::UnexpectedEof))?;
            self.end = self.end.saturating_add(chunk.len() as u64);
            self.kept_chunks.push_back(chunk);
        }
    }

    fn copy(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let behind = || io::Error::new(ErrorKind::Unsupported, "these bytes have passed");
        let mut skip =
            usize::try_from(offset.checked_sub(self.start).ok_or_else(behind)?).unwrap_or(usize::MAX);
        let mut filled = 0usize;
        for chunk in &self.kept_chunks {
            let part = chunk.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(chunk.len());
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            let length = part.len().min(rest.len());
            for (to, from) in rest.chunks_mut(length.max(1)).zip(part.chunks(length.max(1))).take(1) {
                to.copy_from_slice(from);
            }
            filled = filled.saturating_add(length);
            if filled == buffer.len() {
                return Ok(());
            }
        }
        if filled == buffer.len() { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn bytes_are_read_in_order_across_chunks_and_a_little_behind() {
        let (sender, receiver) = channel::<Arc<[u8]>>();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        bytes.chunks(70_001).for_each(|chunk| sender.send(chunk.into()).unwrap());
        drop(sender);
        let stream = ChunkStream::new(bytes.len() as u64, receiver);
        let read = |offset: usize, length: usize| {
            let mut buffer = vec![0; length];
            stream
                .read_exact_at(&mut buffer, offset as u64)
                .map(|()| buffer == bytes[offset..offset + length])
        };
        for (offset, length) in
            [(0, 64), (60, 200_000), (10, 5), (1_500_000, 1), (1_000_000, 2_000_000), (2_999_999, 1)]
        {
            assert!(read(offset, length).unwrap(), "{offset} {length}");
        }
        assert_eq!(read(0, 1).unwrap_err().kind(), ErrorKind::Unsupported);
        let mut buffer = [0; 2];
        assert_eq!(
            stream.read_exact_at(&mut buffer, 2_999_999).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
        stream.read_exact_at(&mut [], 3_000_000).unwrap();
    }
}
