//! Many small pairs packed into one value of sled. sled keeps at most sixteen pairs in a page, and spends memory and time on
//! each page when it opens; packed, a hundred thousand jobs are a few thousand pages, and a fifth of the bytes.
//!
//! A block has the pairs from its own key up to the key of the next block, sorted. Each key is written without the prefix that
//! it shares with the one before, and the block is deflated.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::error::StoreError;
use crate::tables::{KeyValue, TableChanges};

/// Maximum size of a block before it is deflated: sixteen of them fill a page, and sled moves pages beyond 128 KiB to files of
/// their own.
const MAX_SIZE: usize = 8 << 10;

/// Size of the parts of a block that is split. Blocks grow at their end, so half would leave them half empty.
const SPLIT_SIZE: usize = MAX_SIZE / 4 * 3;

/// Maximum size of an inflated block in bytes: a greater length is damage.
const MAX_LENGTH: usize = 64 << 20;

/// Passes the pairs of an inflated block to `each`, in order, until it breaks.
pub(crate) fn each_pair(
    text: &[u8],
    mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let (mut rest, mut key) = (text, Vec::new());
    while !rest.is_empty() {
        let (shared, suffix, value) = (length(&mut rest)?, length(&mut rest)?, length(&mut rest)?);
        let suffix = part(&mut rest, suffix)?;
        if shared > key.len() {
            return Err(damaged());
        }
        key.truncate(shared);
        key.extend_from_slice(suffix);
        if each(&key, part(&mut rest, value)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// Applies changes to an inflated block; returns the resulting blocks, each deflated and with its first key.
pub(crate) fn apply_changes(
    text: Option<&[u8]>,
    changes: TableChanges,
    deflate: &mut Deflate,
) -> Result<Vec<KeyValue>, StoreError> {
    let mut pairs = BTreeMap::new();
    if let Some(text) = text {
        each_pair(text, |key, value| {
            pairs.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })?;
    }
    for (key, change) in changes {
        match change {
            Some(value) => pairs.insert(key, value),
            None => pairs.remove(&key),
        };
    }
    let size: usize = pairs.iter().map(|(key, value)| packed_size(key, value)).sum();
    let max = if size > MAX_SIZE { SPLIT_SIZE } else { MAX_SIZE };
    let mut packing = BlockPacker { deflate, blocks: Vec::new(), text: Vec::new() };
    let (mut block_size, mut first, mut previous) = (0, Vec::new(), Vec::new());
    for (key, value) in pairs {
        block_size += packed_size(&key, &value);
        if block_size > max && !packing.text.is_empty() {
            packing.close(std::mem::take(&mut first))?;
            previous.clear();
            block_size = packed_size(&key, &value);
        }
        packing.add(&previous, &key, &value);
        if first.is_empty() {
            first.clone_from(&key);
        }
        previous = key;
    }
    packing.close(first)?;
    Ok(packing.blocks)
}

/// Maximum size of a packed pair.
fn packed_size(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + 6
}

/// A reused compressor: creating one costs more than compressing a block.
pub(crate) struct Deflate(Compress);

impl Default for Deflate {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }
}

struct BlockPacker<'a> {
    deflate: &'a mut Deflate,
    blocks: Vec<KeyValue>,
    text: Vec<u8>,
}

impl BlockPacker<'_> {
    fn add(&mut self, previous: &[u8], key: &[u8], value: &[u8]) {
        let shared = previous.iter().zip(key).take_while(|(previous, key)| previous == key).count();
        for number in [shared, key.len() - shared, value.len()] {
            put_length(&mut self.text, number);
        }
        self.text.extend_from_slice(&key[shared..]);
        self.text.extend_from_slice(value);
    }

    fn close(&mut self, first: Vec<u8>) -> Result<(), StoreError> {
        if self.text.is_empty() {
            return Ok(());
        }
        // Bytes that cannot be compressed become a little larger.
        let mut block = Vec::with_capacity(self.text.len() * 5 / 4 + 64);
        put_length(&mut block, self.text.len());
        let deflate = &mut self.deflate.0;
        deflate.reset();
        let done = deflate.compress_vec(&self.text, &mut block, FlushCompress::Finish);
        if !matches!(done, Ok(flate2::Status::StreamEnd)) {
            return Err(StoreError::Damaged {
                what: "a block of the database cannot be compressed".to_owned(),
            });
        }
        self.blocks.push((first, block));
        self.text.clear();
        Ok(())
    }
}

/// Inflates a block for [`each_pair`].
pub(crate) fn inflate(mut block: &[u8]) -> Result<Vec<u8>, StoreError> {
    let size = length(&mut block)?;
    if size > MAX_LENGTH {
        return Err(damaged());
    }
    let mut text = Vec::with_capacity(size);
    let done = Decompress::new(false).decompress_vec(block, &mut text, FlushDecompress::Finish);
    if done.is_err() || text.len() != size {
        return Err(damaged());
    }
    Ok(text)
}

/// Appends a number, seven bits a byte, the lowest first.
fn put_length(text: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        text.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    text.push(number as u8);
}

fn length(text: &mut &[u8]) -> Result<usize, StoreError> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let byte = part(text, 1)?[0];
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(damaged())
}

fn part<'a>(text: &mut &'a [u8], size: usize) -> Result<&'a [u8], StoreError> {
    let (part, rest) = text.split_at_checked(size).ok_or_else(damaged)?;
    *text = rest;
    Ok(part)
}

fn damaged() -> StoreError {
    StoreError::Damaged { what: "a block of the database cannot be read".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(block: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut pairs = BTreeMap::new();
        each_pair(&inflate(block).expect("a block"), |key, value| {
            pairs.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })
        .expect("its pairs");
        pairs
    }

    fn pairs_below(size: usize) -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<u8>>> {
        let key = "[a-c]{1,4}".prop_map(String::into_bytes);
        proptest::collection::btree_map(key, proptest::collection::vec(any::<u8>(), 0..900), 0..size)
    }

    proptest! {
        #[test]
        fn block_has_the_pairs_that_were_put_and_not_those_removed(
            before in pairs_below(60), puts in pairs_below(30), removed in pairs_below(30),
        ) {
            let mut deflate = Deflate::default();
            let all = before.clone().into_iter().map(|(key, value)| (key, Some(value))).collect();
            let blocks = apply_changes(None, all, &mut deflate).expect("packed");
            prop_assert!(blocks.iter().all(|(first, block)| pairs(block).first_key_value().map(|(key, _)| key) == Some(first)));
            let have: BTreeMap<_, _> = blocks.iter().flat_map(|(_, block)| pairs(block)).collect();
            prop_assert_eq!(&have, &before);
            let mut expected = blocks.first().map(|(_, block)| pairs(block)).unwrap_or_default();
            let block = blocks.first().map(|(_, block)| inflate(block).expect("a block"));
            let mut changes = TableChanges::new();
            for (key, value) in puts {
                expected.insert(key.clone(), value.clone());
                changes.insert(key, Some(value));
            }
            for (key, _) in removed {
                expected.remove(&key);
                changes.insert(key, None);
            }
            let blocks = apply_changes(block.as_deref(), changes, &mut deflate).expect("packed");
            let have: BTreeMap<_, _> = blocks.iter().flat_map(|(_, block)| pairs(block)).collect();
            prop_assert_eq!(have, expected);
        }

        #[test]
        fn damaged_block_does_not_panic(block in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(inflate(&block));
            drop(each_pair(&block, |_, _| ControlFlow::Continue(())));
        }
    }
}
