//! Digests of many bytes in one pass.

use std::io;
use std::ops::Range;

use ring::digest::{Algorithm, Context, Digest, SHA256};

use super::input::Input;

mod aside;

use aside::Aside;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
/// Bytes that two digests take in turn. Each waits for itself more than it works, so that a processor gets on with the
/// one while the other waits, if they come close enough after one another: `cargo bench --bench inspect`.
const TURN: usize = 128;
/// What SHA-256 works on at once. Updates that keep to it are not copied.
const BLOCK: u64 = 64;

/// What one pass over the input found.
pub(crate) struct Digests {
    /// Digest of the chosen ranges, for each algorithm asked for, in that order.
    pub(crate) ranges: Vec<Digest>,
    /// SHA-256 of the whole input, if asked for.
    pub(crate) whole: Option<[u8; 32]>,
}

/// Who works out the SHA-256 of the whole input.
enum Whole<'scope> {
    Nobody,
    /// A second thread, while it has a processor to itself.
    Another(Aside<'scope>),
    /// This thread, in turn with the other digest.
    Ourselves(Context),
}

/// Reads the input once, from start to end. `ranges` ascend and do not overlap; they are hashed as
/// if they stood one after the other. `whole` asks for the SHA-256 of everything besides.
pub(crate) fn digest(
    input: Input<'_>,
    ranges: &[Range<u64>],
    algorithms: &[&'static Algorithm],
    whole: bool,
) -> io::Result<Digests> {
    let mut chosen = Chosen {
        ranges,
        contexts: algorithms.iter().map(|algorithm| Context::new(algorithm)).collect(),
        taken: 0,
    };
    let whole = std::thread::scope(|scope| {
        let mut whole = match whole {
            false => Whole::Nobody,
            // Alone it needs no help.
            true if algorithms.is_empty() => Whole::Ourselves(Context::new(&SHA256)),
            true => Whole::Another(Aside::start(scope)),
        };
        let (mut chunk, mut offset) = (Vec::new(), 0);
        while offset < input.len() {
            input.fill(&mut chunk, offset, CHUNK)?;
            let length = chunk.len() as u64;
            match &mut whole {
                Whole::Ourselves(context) => chosen.take_in_turn(context, &chunk, offset),
                Whole::Nobody | Whole::Another(_) => chosen.take(&chunk, offset),
            }
            whole = match whole {
                Whole::Another(mut aside) => {
                    aside.hand_over(&mut chunk)?;
                    if aside.is_in_the_way() { Whole::Ourselves(aside.end()?) } else { Whole::Another(aside) }
                }
                other => other,
            };
            offset = offset.saturating_add(length);
        }
        Ok::<_, io::Error>(match whole {
            Whole::Nobody => None,
            Whole::Another(aside) => Some(aside.end()?),
            Whole::Ourselves(context) => Some(context),
        })
    })?;
    let whole = whole.and_then(|context| <[u8; 32]>::try_from(context.finish().as_ref()).ok());
    Ok(Digests { ranges: chosen.contexts.into_iter().map(Context::finish).collect(), whole })
}

/// The digests of the chosen ranges.
struct Chosen<'r> {
    ranges: &'r [Range<u64>],
    contexts: Vec<Context>,
    /// Bytes that each of them has taken.
    taken: u64,
}

impl Chosen<'_> {
    /// Takes what a chunk holds of the ranges.
    fn take(&mut self, chunk: &[u8], offset: u64) {
        for range in self.ranges {
            let part = overlap(chunk, offset, range);
            self.contexts.iter_mut().for_each(|context| context.update(part));
            self.taken = self.taken.saturating_add(part.len() as u64);
        }
    }

    /// The same in turn with a digest of the whole chunk, which stands at the beginning of a block.
    fn take_in_turn(&mut self, whole: &mut Context, chunk: &[u8], offset: u64) {
        let mut parts = self.ranges.iter().map(|range| overlap(chunk, offset, range));
        let mut parts = parts.by_ref().filter(|part| !part.is_empty());
        let (part, more) = (parts.next(), parts.next());
        let ([context], Some(part), None) = (self.contexts.as_mut_slice(), part, more) else {
            whole.update(chunk);
            return self.take(chunk, offset);
        };
        let missing = usize::try_from((BLOCK - self.taken % BLOCK) % BLOCK).unwrap_or_default();
        let (first, rest) = part.split_at(missing.min(part.len()));
        context.update(first);
        let (mut ours, mut theirs) = (chunk.chunks(TURN), rest.chunks(TURN));
        loop {
            let (one, other) = (ours.next(), theirs.next());
            one.iter().for_each(|bytes| whole.update(bytes));
            other.iter().for_each(|bytes| context.update(bytes));
            if one.is_none() && other.is_none() {
                break;
            }
        }
        self.taken = self.taken.saturating_add(part.len() as u64);
    }
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

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
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
        let expected = ring::digest::digest(&SHA256, &expected);
        assert_eq!(found.ranges[0].as_ref(), expected.as_ref());
        assert_eq!(found.whole.unwrap(), ring::digest::digest(&SHA256, &bytes).as_ref());
        // In turn, from any chunk on.
        for alone in 0..3 {
            let mut chosen = Chosen { ranges: &ranges, contexts: vec![Context::new(&SHA256)], taken: 0 };
            let mut whole = Context::new(&SHA256);
            for (at, chunk) in bytes.chunks(CHUNK).enumerate() {
                let offset = (at * CHUNK) as u64;
                if at < alone {
                    chosen.take(chunk, offset);
                    whole.update(chunk);
                } else {
                    chosen.take_in_turn(&mut whole, chunk, offset);
                }
            }
            assert_eq!(chosen.contexts.pop().unwrap().finish().as_ref(), expected.as_ref(), "{alone}");
            assert_eq!(whole.finish().as_ref(), ring::digest::digest(&SHA256, &bytes).as_ref(), "{alone}");
        }
    }
}
