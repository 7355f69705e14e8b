//! The cabinet's header, and where its signature is.
//!
//! The layout follows Microsoft's cabinet format (`[MS-CAB]`). Signing tools store offset and length of the signature in the
//! header's reserve. It holds the lengths of two structures, then an empty first structure, then a second one of 16 bytes,
//! called the record here. The reserve has 20 bytes, or more if the cabinet was built with `ReservePerCabinetSize` in its
//! directive file (DDF).

use std::ops::Range;

/// Length of the header without reserve and names.
pub(crate) const FIXED: u64 = 36;
/// Length of the header up to the end of the signature's record.
pub(crate) const SIGNED: u64 = 60;
/// Offset of the header's reserve.
const RESERVE_AT: u64 = 40;
/// Flags of the header.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVE: u16 = 4;
/// Length of the record, which holds offset and length of the signature.
const RECORD: u16 = 16;
/// Length of a reserve that holds the record and nothing else.
const SMALLEST_RESERVE: u16 = 20;

/// The fields of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// Length of the cabinet without its signature.
    pub(crate) length: u32,
    /// Offset of the first file entry.
    pub(crate) files_at: u32,
    /// Number of folder entries.
    pub(crate) folders: u16,
    /// Number of file entries.
    pub(crate) files: u16,
    /// Offset of the first folder entry; meaningless in a cabinet of a set.
    pub(crate) folders_at: u32,
    /// Length of the reserve in the header.
    reserve: u16,
    /// Length of the reserve after each folder entry.
    pub(crate) folder_reserve: u8,
    /// Length of the reserve after each data header.
    pub(crate) data_reserve: u8,
    /// True for one of a set of cabinets, by its flags or its number.
    pub(crate) is_of_a_set: bool,
    /// Where the signature is.
    pub(crate) signature: Signature,
}

/// Where the signature is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signature {
    /// The cabinet is not signed.
    None,
    /// After the cabinet.
    At {
        /// Its offset.
        offset: u32,
        /// Its length, padding included.
        size: u32,
    },
    /// In the header itself, a layout older than Authenticode.
    Old,
    /// The record violates its format; the text is a clause for a message.
    Malformed(&'static str),
    /// A reserve holds bytes that no signature covers.
    UncoveredReserve(UncoveredReserve),
}

/// A reserve with bytes that no signature covers, named by its setting in a directive file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UncoveredReserve {
    /// `ReservePerCabinetSize`, with something in it besides the record.
    Cabinet,
    /// `ReservePerFolderSize`.
    Folder,
    /// `ReservePerDataBlockSize`.
    DataBlock,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

impl Header {
    /// Reads the first bytes of a cabinet; `None` if there are too few.
    pub(crate) fn read(head: &[u8]) -> Option<Self> {
        let flags = u16_at(head, 30)?;
        let mut header = Self {
            length: u32_at(head, 8)?,
            files_at: u32_at(head, 16)?,
            folders: u16_at(head, 26)?,
            files: u16_at(head, 28)?,
            is_of_a_set: flags & (PREVIOUS | NEXT) != 0 || u16_at(head, 34)? != 0,
            folders_at: 36,
            reserve: 0,
            folder_reserve: 0,
            data_reserve: 0,
            signature: Signature::None,
        };
        if flags & RESERVE != 0 {
            header.reserve = u16_at(head, 36)?;
            header.folders_at = 40u32.checked_add(u32::from(header.reserve))?;
            header.folder_reserve = *head.get(38)?;
            header.data_reserve = *head.get(39)?;
            header.signature = signature(head, header.reserve, header.folder_reserve, header.data_reserve)?;
        }
        Some(header)
    }

    /// The signed ranges: the whole cabinet except for the header's checksum, the sizes of the reserves, and the reserve after
    /// the length of its (empty) first structure. Correct only for layouts that are accepted as signed.
    pub(crate) fn signed_ranges(&self) -> [Range<u64>; 4] {
        [0..4, 8..36, 40..42, self.reserve_end()..u64::from(self.length)]
    }

    /// Whether the header's reserve holds the record of a signature and nothing else.
    pub(crate) fn has_usual_reserve(&self) -> bool {
        self.reserve == SMALLEST_RESERVE && matches!(self.signature, Signature::At { .. })
    }

    /// How far the content would move if the header's reserve had its usual length.
    pub(crate) fn shift_to_usual_reserve(&self) -> i64 {
        RESERVE_AT.cast_signed() + i64::from(SMALLEST_RESERVE) - i64::from(self.folders_at)
    }

    /// The part of the reserve after the record, which signing tools leave empty.
    pub(crate) fn spare_reserve(&self) -> Range<u64> {
        SIGNED.min(self.reserve_end())..self.reserve_end()
    }

    fn reserve_end(&self) -> u64 {
        RESERVE_AT.saturating_add(u64::from(self.reserve))
    }

    /// Length of the file of this cabinet: the cabinet and the signature after it.
    pub(crate) fn file_length(&self) -> u64 {
        let length = u64::from(self.length);
        match self.signature {
            Signature::At { offset, size } => length.max(u64::from(offset).saturating_add(u64::from(size))),
            _ => length,
        }
    }
}

/// Finds the signature through the reserve.
fn signature(head: &[u8], reserve: u16, folder_reserve: u8, data_reserve: u8) -> Option<Signature> {
    if reserve < 4 {
        return Some(Signature::None);
    }
    let (first, second) = (u16_at(head, 40)?, u16_at(head, 42)?);
    if first == 0 && second > RECORD && u32::from(second).checked_add(4) <= Some(u32::from(reserve)) {
        // A signature starts like any DER sequence. Tools that only reserve space leave it empty.
        return Some(if head.get(44) == Some(&0x30) { Signature::Old } else { Signature::None });
    }
    if second != RECORD || reserve < SMALLEST_RESERVE {
        return Some(Signature::None);
    }
    let (offset, size) = (u32_at(head, 44)?, u32_at(head, 48)?);
    let filler = head.get(52..60)?;
    if offset == 0 && size == 0 {
        return Some(Signature::None);
    }
    // Some verifiers hash these bytes and others do not, so they must be empty.
    Some(if first != 0 {
        Signature::UncoveredReserve(UncoveredReserve::Cabinet)
    } else if head.get(4..8).is_none_or(|reserved| reserved != [0; 4]) {
        Signature::Malformed("a reserved field of its header, which no signature covers, is not zero")
    } else if filler.iter().any(|byte| *byte != 0) {
        Signature::Malformed("the record with the signature's offset is not filled with zeros")
    } else if folder_reserve != 0 {
        Signature::UncoveredReserve(UncoveredReserve::Folder)
    } else if data_reserve != 0 {
        Signature::UncoveredReserve(UncoveredReserve::DataBlock)
    } else {
        Signature::At { offset, size }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAB: &[u8] = include_bytes!("../../tests/fixtures/cab/good-signed-ts.cab");

    #[test]
    fn signature_is_found() {
        let header = Header::read(CAB).unwrap();
        assert_eq!((header.length, header.folders_at, header.files_at), (10351, 60, 68));
        assert_eq!(header.signature, Signature::At { offset: 10351, size: 6672 });
    }

    #[test]
    fn bytes_that_no_signature_covers_are_refused() {
        let changed = |at: usize, value: u8| {
            let mut bytes = CAB.to_vec();
            bytes[at] = value;
            Header::read(&bytes).unwrap().signature
        };
        for (at, value) in [(4, 1), (7, 0x80), (52, 1), (59, 1)] {
            let found = changed(at, value);
            assert!(matches!(found, Signature::Malformed(_)), "{at}: {found:?}");
        }
        assert_eq!(changed(40, 1), Signature::UncoveredReserve(UncoveredReserve::Cabinet));
        assert_eq!(changed(38, 1), Signature::UncoveredReserve(UncoveredReserve::Folder));
        assert_eq!(changed(39, 1), Signature::UncoveredReserve(UncoveredReserve::DataBlock));
    }

    #[test]
    fn larger_reserve_is_not_hashed() {
        let mut bytes = CAB.to_vec();
        bytes[36..38].copy_from_slice(&6144u16.to_le_bytes());
        let header = Header::read(&bytes).unwrap();
        assert!(matches!(header.signature, Signature::At { .. }));
        assert_eq!(header.spare_reserve(), 60..6184);
        assert_eq!(header.signed_ranges(), [0..4, 8..36, 40..42, 6184..10351]);
        assert!(Header::read(CAB).unwrap().spare_reserve().is_empty());
    }

    #[test]
    fn signature_in_the_header_itself_is_recognised() {
        let mut old = CAB.to_vec();
        old[36..38].copy_from_slice(&6148u16.to_le_bytes());
        old[42..44].copy_from_slice(&6144u16.to_le_bytes());
        assert_eq!(Header::read(&old).unwrap().signature, Signature::None);
        old[44] = 0x30;
        assert_eq!(Header::read(&old).unwrap().signature, Signature::Old);
    }
}
