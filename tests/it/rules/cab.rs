//! Unsigned cabinets with different INFs, made from an uncompressed cabinet.

use crate::harness::bytes;

/// A cabinet whose INF says `to` wherever it said `from`, which is as long.
pub(super) fn saying(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut cab = bytes("cab/stored-signed.cab");
    let number = |at: usize| u32::from_le_bytes(cab[at..at + 4].try_into().expect("four bytes")) as usize;
    // The length without the signature, and where the first folder's data begin, as the header says.
    let (length, data) = (number(8), number(60));
    cab.truncate(length);
    // The record of the signature's place; and the data's checksum, where zero means that there is none.
    cab[40..60].fill(0);
    cab[data..data + 4].fill(0);
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let at = cab.windows(from.len()).position(|window| window == from.as_bytes()).expect("it says so");
        cab[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    cab
}
