//! Computes all digests of a file in one pass.

use std::io;

use ring::digest::Digest;

use super::hash_thread::HashThread;
use super::range_hasher::RangeHasher;
use super::sequence::Sequence;
use crate::budget::WorkKind;
use crate::input::Input;

/// Bytes read at once; small enough to be still in the processor's cache when the second digest uses them.
const CHUNK: usize = 256 * 1024;

/// The digests of one pass over the input.
pub(crate) struct Digests {
    /// For each sequence its digests, in the order of its algorithms.
    pub(crate) sequences: Vec<Vec<Digest>>,
    /// SHA-256 of the whole input, if it was asked for.
    pub(crate) whole: Option<[u8; 32]>,
}

/// Reads the input once, from start to end. With `with_whole`, a second thread computes the SHA-256 of the whole input at the
/// same time.
pub(crate) fn digest(input: Input<'_>, sequences: &[Sequence<'_>], with_whole: bool) -> io::Result<Digests> {
    let digests: usize = sequences.iter().map(|sequence| sequence.algorithms.len()).sum();
    let digests = (digests as u64).saturating_add(u64::from(with_whole));
    let mut hashers: Vec<_> = sequences.iter().map(RangeHasher::new).collect();
    let whole = std::thread::scope(|scope| {
        let mut thread = with_whole.then(|| HashThread::start(scope));
        let (mut chunk, mut offset) = (Vec::new(), 0);
        while offset < input.len() {
            input.fill(&mut chunk, offset, CHUNK)?;
            let length = chunk.len() as u64;
            input.charge(WorkKind::Hashed, length.saturating_mul(digests))?;
            hashers.iter_mut().for_each(|hasher| hasher.update(&chunk, offset));
            if let Some(thread) = &mut thread {
                thread.update(&mut chunk)?;
            }
            offset = offset.saturating_add(length);
        }
        thread.map(HashThread::finish).transpose()
    })?;
    Ok(Digests { sequences: hashers.into_iter().map(RangeHasher::finish).collect(), whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::digest::SHA256;

    #[test]
    fn ranges_across_chunks_are_hashed_as_one() {
        let bytes: Vec<u8> = (0..CHUNK * 2 + 77).map(|i| (i % 251) as u8).collect();
        let boundary = CHUNK as u64;
        let ranges = [0..4, 8..36, boundary - 5..boundary + 5, boundary + 6..bytes.len() as u64 - 1];
        let mut expected = b"prefix".to_vec();
        for range in &ranges {
            expected.extend_from_slice(&bytes[range.start as usize..range.end as usize]);
        }
        let sequence = Sequence { prefix: b"prefix", ranges: &ranges, algorithms: &[&SHA256] };
        let found = digest(Input::bytes(&bytes), &[sequence], true).unwrap();
        assert_eq!(found.sequences[0][0].as_ref(), ring::digest::digest(&SHA256, &expected).as_ref());
        assert_eq!(found.whole.unwrap(), ring::digest::digest(&SHA256, &bytes).as_ref());
    }

    #[test]
    fn empty_input_has_the_digest_of_nothing() {
        let found = digest(Input::bytes(&[]), &[], true).unwrap();
        assert_eq!(found.whole.unwrap(), ring::digest::digest(&SHA256, &[]).as_ref());
    }
}
