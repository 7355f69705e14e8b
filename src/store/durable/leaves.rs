//! Many small pairs in one value. sled keeps at most sixteen pairs in a page, and spends memory and time on each page
//! when it opens; packed, a hundred thousand jobs are a few thousand pages, and a fifth of the bytes.
//!
//! A leaf holds the pairs from its own key up to the next leaf's, sorted; keys are written without what they share with
//! the one before, the whole is deflated.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::super::StoreError;
use super::super::tables::{Changes, Pair};

/// What a leaf may come to before it is deflated: sixteen of them fill a page, and sled puts pages aside as files that
/// are beyond 128 KiB.
const ROOM: usize = 8 << 10;

/// What a leaf that is split keeps, so that those which grow at their end are not left half empty.
const KEPT: usize = ROOM / 4 * 3;

/// No leaf comes to this; a length beyond it is damage.
const ABSURD: usize = 64 << 20;

/// Hands the pairs of an inflated leaf to `each`, in order, until it breaks.
pub(super) fn each_pair(
    text: &[u8],
    mut each: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let (mut rest, mut key) = (text, Vec::new());
    while !rest.is_empty() {
        let (shared, own, value) = (length(&mut rest)?, length(&mut rest)?, length(&mut rest)?);
        let own = part(&mut rest, own)?;
        if shared > key.len() {
            return Err(damaged());
        }
        key.truncate(shared);
        key.extend_from_slice(own);
        if each(&key, part(&mut rest, value)?).is_break() {
            break;
        }
    }
    Ok(())
}

/// The leaves that come of an inflated leaf by changes, each deflated and with the first key in it.
pub(super) fn changed(
    text: Option<&[u8]>,
    changes: Changes,
    deflate: &mut Deflate,
) -> Result<Vec<Pair>, StoreError> {
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
    let size: usize = pairs.iter().map(|(key, value)| room(key, value)).sum();
    let most = if size > ROOM { KEPT } else { ROOM };
    let mut packing = Packing { deflate, leaves: Vec::new(), text: Vec::new() };
    let (mut taken, mut first, mut last) = (0, Vec::new(), Vec::new());
    for (key, value) in pairs {
        taken += room(&key, &value);
        if taken > most && !packing.text.is_empty() {
            packing.close(std::mem::take(&mut first))?;
            last.clear();
            taken = room(&key, &value);
        }
        packing.add(&last, &key, &value);
        if first.is_empty() {
            first.clone_from(&key);
        }
        last = key;
    }
    packing.close(first)?;
    Ok(packing.leaves)
}

/// What a pair takes at most.
fn room(key: &[u8], value: &[u8]) -> usize {
    key.len() + value.len() + 6
}

/// What deflates, used again and again: to make one costs more than a leaf.
pub(super) struct Deflate(Compress);

impl Default for Deflate {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }
}

struct Packing<'a> {
    deflate: &'a mut Deflate,
    leaves: Vec<Pair>,
    text: Vec<u8>,
}

impl Packing<'_> {
    fn add(&mut self, last: &[u8], key: &[u8], value: &[u8]) {
        let shared = last.iter().zip(key).take_while(|(last, key)| last == key).count();
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
        // What cannot be made smaller may become a little larger.
        let mut leaf = Vec::with_capacity(self.text.len() * 5 / 4 + 64);
        put_length(&mut leaf, self.text.len());
        let deflate = &mut self.deflate.0;
        deflate.reset();
        let done = deflate.compress_vec(&self.text, &mut leaf, FlushCompress::Finish);
        if !matches!(done, Ok(flate2::Status::StreamEnd)) {
            return Err(StoreError::Damaged { what: "a leaf of the database cannot be packed".to_owned() });
        }
        self.leaves.push((first, leaf));
        self.text.clear();
        Ok(())
    }
}

/// A leaf as [`each_pair`] reads it.
pub(super) fn inflated(mut leaf: &[u8]) -> Result<Vec<u8>, StoreError> {
    let size = length(&mut leaf)?;
    if size > ABSURD {
        return Err(damaged());
    }
    let mut text = Vec::with_capacity(size);
    let done = Decompress::new(false).decompress_vec(leaf, &mut text, FlushDecompress::Finish);
    if done.is_err() || text.len() != size {
        return Err(damaged());
    }
    Ok(text)
}

/// A number, seven bits a byte, the lowest first.
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
    StoreError::Damaged { what: "a leaf of the database cannot be unpacked".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(leaf: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut pairs = BTreeMap::new();
        each_pair(&inflated(leaf).expect("a leaf"), |key, value| {
            pairs.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })
        .expect("its pairs");
        pairs
    }

    fn some(size: usize) -> impl Strategy<Value = BTreeMap<Vec<u8>, Vec<u8>>> {
        let key = "[a-c]{1,4}".prop_map(String::into_bytes);
        proptest::collection::btree_map(key, proptest::collection::vec(any::<u8>(), 0..900), 0..size)
    }

    proptest! {
        #[test]
        fn a_leaf_holds_what_was_put_and_not_what_was_removed(
            before in some(60), puts in some(30), removed in some(30),
        ) {
            let mut deflate = Deflate::default();
            let all = before.clone().into_iter().map(|(key, value)| (key, Some(value))).collect();
            let leaves = changed(None, all, &mut deflate).expect("packed");
            prop_assert!(leaves.iter().all(|(first, leaf)| pairs(leaf).first_key_value().map(|(key, _)| key) == Some(first)));
            let have: BTreeMap<_, _> = leaves.iter().flat_map(|(_, leaf)| pairs(leaf)).collect();
            prop_assert_eq!(&have, &before);
            let mut expected = leaves.first().map(|(_, leaf)| pairs(leaf)).unwrap_or_default();
            let leaf = leaves.first().map(|(_, leaf)| inflated(leaf).expect("a leaf"));
            let mut changes = Changes::new();
            for (key, value) in puts {
                expected.insert(key.clone(), value.clone());
                changes.insert(key, Some(value));
            }
            for (key, _) in removed {
                expected.remove(&key);
                changes.insert(key, None);
            }
            let leaves = changed(leaf.as_deref(), changes, &mut deflate).expect("packed");
            let have: BTreeMap<_, _> = leaves.iter().flat_map(|(_, leaf)| pairs(leaf)).collect();
            prop_assert_eq!(have, expected);
        }

        #[test]
        fn no_damage_makes_it_fall(leaf in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(inflated(&leaf));
            drop(each_pair(&leaf, |_, _| ControlFlow::Continue(())));
        }
    }
}
