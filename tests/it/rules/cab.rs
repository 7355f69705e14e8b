//! Unsigned cabinets with changed INFs, made from an uncompressed cabinet.

use crate::harness::bytes;

/// A cabinet whose INF has each `from` replaced by `to`, which must have the same length.
pub(crate) fn cab_with(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut cab = bytes("cab/stored-signed.cab");
    let number = |at: usize| u32::from_le_bytes(cab[at..at + 4].try_into().expect("four bytes")) as usize;
    // From the header: the length without the signature, and the offset of the first folder's data.
    let (length, data) = (number(8), number(60));
    cab.truncate(length);
    // Clears the record of the signature, and the checksum of the data: zero means that there is none.
    cab[40..60].fill(0);
    cab[data..data + 4].fill(0);
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let at = cab.windows(from.len()).position(|window| window == from.as_bytes()).expect("it says so");
        cab[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    cab
}
