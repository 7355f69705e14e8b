//! The cabinet's header, and where its signature lies.
//!
//! Layout after Microsoft's cabinet format (`[MS-CAB]`); the room of the signature after public
//! implementations of Authenticode.

use std::ops::Range;

use super::super::glance::{Glance, not_a_package};

/// Length of the header without reserve and names.
const FIXED: u64 = 36;
/// Length of the header of a signed cabinet: the fixed part, the sizes of the reserves, the reserve.
const SIGNED: u64 = 60;
/// Flags of the header.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVE: u16 = 4;
/// Length of the record that says where the signature is.
const POINTER: u16 = 16;

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Length of the cabinet without its signature.
    pub(crate) length: u32,
    /// Place of the first file entry.
    pub(crate) files_at: u32,
    /// Number of folder entries.
    pub(crate) folders: u16,
    /// Number of file entries.
    pub(crate) files: u16,
    /// Place of the first folder entry; meaningless in a cabinet of a set.
    pub(crate) folders_at: u32,
    /// Room after each folder entry.
    pub(crate) folder_reserve: u8,
    /// Room after each data header.
    pub(crate) data_reserve: u8,
    /// One of a set of cabinets, by its flags or its number.
    pub(crate) of_a_set: bool,
    /// Where the signature is.
    pub(crate) signature: Signature,
}

/// Where the signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signature {
    /// There is none.
    None,
    /// After the cabinet.
    At {
        /// Its place.
        offset: u32,
        /// Its length, padding included.
        size: u32,
    },
    /// In the header itself.
    Old,
    /// The room is there but makes no sense.
    Odd(&'static str),
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

impl Header {
    /// Reads the first bytes of a cabinet; `None` if they are too few.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        let flags = u16_at(head, 30)?;
        let mut header = Self {
            length: u32_at(head, 8)?,
            files_at: u32_at(head, 16)?,
            folders: u16_at(head, 26)?,
            files: u16_at(head, 28)?,
            of_a_set: flags & (PREVIOUS | NEXT) != 0 || u16_at(head, 34)? != 0,
            folders_at: 36,
            folder_reserve: 0,
            data_reserve: 0,
            signature: Signature::None,
        };
        if flags & RESERVE != 0 {
            let room = u16_at(head, 36)?;
            header.folders_at = 40u32.checked_add(u32::from(room))?;
            header.folder_reserve = *head.get(38)?;
            header.data_reserve = *head.get(39)?;
            header.signature = signature(head, room, header.folder_reserve, header.data_reserve)?;
        }
        Some(header)
    }

    /// What is signed: all of the cabinet but the header's checksum, the sizes of the reserves and
    /// the record of the signature's place. Only for the one layout that is accepted as signed.
    pub(crate) fn signed_ranges(&self) -> [Range<u64>; 4] {
        [0..4, 8..36, 40..42, SIGNED..u64::from(self.length)]
    }
}

/// Finds the signature through the reserve.
fn signature(head: &[u8], room: u16, folder_reserve: u8, data_reserve: u8) -> Option<Signature> {
    if room < 4 {
        return Some(Signature::None);
    }
    let (first, second) = (u16_at(head, 40)?, u16_at(head, 42)?);
    if first == 0 && second > POINTER && u32::from(second).checked_add(4) <= Some(u32::from(room)) {
        // A bare signature begins like any DER sequence; other tools leave such room empty.
        return Some(if head.get(44) == Some(&0x30) { Signature::Old } else { Signature::None });
    }
    if second != POINTER || room < 20 {
        return Some(Signature::None);
    }
    let (offset, size) = (u32_at(head, 44)?, u32_at(head, 48)?);
    let filler = head.get(52..60)?;
    if offset == 0 && size == 0 {
        return Some(Signature::None);
    }
    // Bytes that some verifiers hash and others do not: none may hold anything.
    Some(if first != 0 || room != 20 {
        Signature::Odd("the header's reserve holds more than the signature's place")
    } else if head.get(4..8).is_none_or(|reserved| reserved != [0; 4]) {
        Signature::Odd("a reserved field of its header, which no signature covers, is not zero")
    } else if filler.iter().any(|byte| *byte != 0) {
        Signature::Odd("the record of the signature's place is not filled with zeros")
    } else if folder_reserve != 0 || data_reserve != 0 {
        Signature::Odd("folders or data blocks have a reserve of a size that no signature covers")
    } else {
        Signature::At { offset, size }
    })
}

/// A glance at a cabinet.
pub(crate) fn glance(head: &[u8], len: u64) -> Glance {
    const MAGIC: &[u8] = b"MSCF";
    let seen = head.get(..MAGIC.len()).unwrap_or(head);
    if !MAGIC.starts_with(seen) {
        return not_a_package("it does not begin like a cabinet (MSCF)");
    }
    let incomplete = |need: u64| Glance::Incomplete { have: len, need };
    if len < FIXED {
        return incomplete(FIXED);
    }
    let Some(header) = Header::read(head) else {
        return if len < SIGNED { incomplete(SIGNED) } else { not_a_package("its header is cut off") };
    };
    let mut need = u64::from(header.length);
    if let Signature::At { offset, size } = header.signature {
        need = need.max(u64::from(offset).saturating_add(u64::from(size)));
    }
    if need < FIXED {
        return not_a_package("its header gives a length shorter than a header");
    }
    if len < need { incomplete(need) } else { Glance::Whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAB: &[u8] = include_bytes!("../../tests/fixtures/cab/good-signed-ts.cab");

    #[test]
    fn finds_the_signature() {
        let header = Header::read(CAB).unwrap();
        assert_eq!((header.length, header.folders_at, header.files_at), (10351, 60, 68));
        assert_eq!(header.signature, Signature::At { offset: 10351, size: 6672 });
    }

    #[test]
    fn room_that_no_signature_covers_is_odd() {
        for (at, value) in [(4, 1), (7, 0x80), (40, 1), (52, 1), (59, 1), (38, 1), (39, 1), (36, 24)] {
            let mut bytes = CAB.to_vec();
            bytes[at] = value;
            let found = Header::read(&bytes).unwrap().signature;
            assert!(matches!(found, Signature::Odd(_)), "{at}: {found:?}");
        }
        let mut old = CAB.to_vec();
        old[36..38].copy_from_slice(&6148u16.to_le_bytes());
        old[42..44].copy_from_slice(&6144u16.to_le_bytes());
        assert_eq!(Header::read(&old).unwrap().signature, Signature::None);
        old[44] = 0x30;
        assert_eq!(Header::read(&old).unwrap().signature, Signature::Old);
    }
}
