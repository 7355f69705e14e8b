//! Makes many validly signed packages with different bytes from one.
//!
//! An Authenticode signature does not cover the unsigned attributes of its signer. So adding an unknown attribute with a
//! number makes another validly signed package, without a key and in microseconds.

use std::ops::Range;

/// Where a cabinet's header has the offset and the length of the signature.
const PLACE: Range<usize> = 44..48;
const SIZE: Range<usize> = 48..52;

/// A signed CAB from which others are made.
pub(crate) struct PackageTemplate {
    cabinet: Vec<u8>,
    signature: Vec<u8>,
    /// Offsets of the lengths of all elements that end where the signature ends, the outermost first.
    lengths: Vec<usize>,
}

impl PackageTemplate {
    /// Reads a signed CAB without a timestamp.
    pub(crate) fn new(cab: &[u8]) -> Self {
        let number = |range: Range<usize>| {
            let four: [u8; 4] = cab[range].try_into().expect("four bytes");
            u32::from_le_bytes(four) as usize
        };
        let (at, size) = (number(PLACE), number(SIZE));
        let block = &cab[at..at + size];
        let (_, end) = element(block, 0);
        let signature = block[..end].to_vec();
        let mut lengths = Vec::new();
        let mut inside = 0;
        // Descends to the signer, through the elements that end where the signature ends.
        while inside < end && signature[inside] & 0x20 != 0 {
            let (first, stop) = element(&signature, inside);
            if stop != end {
                inside = stop;
                continue;
            }
            assert_eq!(signature[inside + 1], 0x82, "a length of two bytes");
            lengths.push(inside + 2);
            inside = first;
            // Skips all but the last element.
            while element(&signature, inside).1 != end {
                inside = element(&signature, inside).1;
            }
        }
        Self { cabinet: cab[..at].to_vec(), signature, lengths }
    }

    /// The package with this number.
    pub(crate) fn package(&self, number: u64) -> Vec<u8> {
        // [1] { SEQUENCE { OID 1.3.6.1.4.1.55555.7, SET { OCTET STRING } } }
        let mut attribute = vec![0xa1, 0x19, 0x30, 0x17, 0x06, 0x09];
        attribute.extend([0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb2, 0x03, 0x07]);
        attribute.extend([0x31, 0x0a, 0x04, 0x08]);
        attribute.extend(number.to_be_bytes());
        let mut signature = self.signature.clone();
        for at in &self.lengths {
            let length = u16::from_be_bytes([signature[*at], signature[*at + 1]]);
            let longer = length + u16::try_from(attribute.len()).expect("short");
            signature[*at..*at + 2].copy_from_slice(&longer.to_be_bytes());
        }
        signature.extend(attribute);
        signature.resize(signature.len().next_multiple_of(8), 0);
        let mut package = self.cabinet.clone();
        package[SIZE].copy_from_slice(&u32::try_from(signature.len()).expect("short").to_le_bytes());
        package.extend(signature);
        package
    }
}

/// The start and the end of the content of the DER element at `at`.
fn element(bytes: &[u8], at: usize) -> (usize, usize) {
    match bytes[at + 1] {
        short @ ..=0x7f => (at + 2, at + 2 + usize::from(short)),
        0x81 => (at + 3, at + 3 + usize::from(bytes[at + 2])),
        0x82 => (at + 4, at + 4 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]))),
        other => panic!("a length of {other:#x}"),
    }
}
