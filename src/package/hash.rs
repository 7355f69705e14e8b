//! Digests of many bytes in one pass.

use std::io;
use std::ops::Range;
use std::sync::mpsc::sync_channel;

use ring::digest::{Algorithm, Context, Digest, SHA256};

use super::input::Input;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
/// Chunks that may wait for the second thread.
const CHUNKS: usize = 4;

/// What one pass over the input found.
pub(crate) struct Digests {
    /// Digest of the chosen ranges, for each algorithm asked for, in that order.
    pub(crate) ranges: Vec<Digest>,
    /// SHA-256 of the whole input, if asked for.
    pub(crate) whole: Option<[u8; 32]>,
}

/// Reads the input once, from start to end. `ranges` ascend and do not overlap; they are hashed as
/// if they stood one after the other. `whole` asks for the SHA-256 of everything besides, which a
/// second thread works out from the same chunks.
pub(crate) fn digest(
    input: Input<'_>,
    ranges: &[Range<u64>],
    algorithms: &[&'static Algorithm],
    whole: bool,
) -> io::Result<Digests> {
    let mut contexts: Vec<Context> = algorithms.iter().map(|algorithm| Context::new(algorithm)).collect();
    let whole = std::thread::scope(|scope| {
        // Chunks go to the second thread and come back to be filled again.
        let (sender, receiver) = sync_channel::<Vec<u8>>(CHUNKS);
        let (back, spare) = sync_channel::<Vec<u8>>(CHUNKS);
        let worker = whole.then(|| {
            scope.spawn(move || {
                let mut context = Context::new(&SHA256);
                for chunk in receiver {
                    context.update(&chunk);
                    // The reader may have ended; then nobody wants the chunk any more.
                    drop(back.try_send(chunk));
                }
                context.finish()
            })
        });
        let (mut chunk, mut offset) = (Vec::new(), 0);
        while offset < input.len() {
            input.fill(&mut chunk, offset, CHUNK)?;
            for range in ranges {
                let part = overlap(&chunk, offset, range);
                if !part.is_empty() {
                    contexts.iter_mut().for_each(|context| context.update(part));
                }
            }
            offset = offset.saturating_add(chunk.len() as u64);
            if worker.is_some() {
                let full = std::mem::replace(&mut chunk, spare.try_recv().unwrap_or_default());
                sender.send(full).map_err(|_| io::Error::other("the hashing thread ended early"))?;
            }
        }
        drop(sender);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            None => Ok(None),
            Some(Ok(digest)) => Ok(<[u8; 32]>::try_from(digest.as_ref()).ok()),
            Some(Err(_)) => Err(io::Error::other("the hashing thread failed")),
        }
    })?;
    let ranges = contexts.into_iter().map(Context::finish).collect();
    Ok(Digests { ranges, whole })
}

/// The part of a chunk that lies in a range of the input.
fn overlap<'c>(chunk: &'c [u8], offset: u64, range: &Range<u64>) -> &'c [u8] {
    let end = offset.saturating_add(chunk.len() as u64);
    let from = range.start.clamp(offset, end).saturating_sub(offset);
    let to = range.end.clamp(offset, end).saturating_sub(offset);
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) => chunk.get(from..to).unwrap_or_default(),
        _ => &[],
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?'));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_hashed_as_one_across_chunks() {
        let bytes: Vec<u8> = (0..CHUNK * 2 + 77).map(|i| (i % 251) as u8).collect();
        let cut = CHUNK as u64;
        let ranges = [0..4, 8..36, cut - 5..cut + 5, cut + 6..bytes.len() as u64 - 1];
        let mut expected = Vec::new();
        for range in &ranges {
            expected.extend_from_slice(&bytes[range.start as usize..range.end as usize]);
        }
        let found = digest(Input::Bytes(&bytes), &ranges, &[&SHA256], true).unwrap();
        assert_eq!(found.ranges[0].as_ref(), ring::digest::digest(&SHA256, &expected).as_ref());
        assert_eq!(found.whole.unwrap(), ring::digest::digest(&SHA256, &bytes).as_ref());
    }
}
