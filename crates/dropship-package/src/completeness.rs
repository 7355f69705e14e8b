//! Whether a package file is complete, decided from its first and last bytes and its length.

use std::fs::File;
use std::io;

use crate::cab::header::{self, Header};
use crate::facts::Kind;
use crate::input::Input;

/// Whether a package file is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// The file has the length that its header or end record states.
    Complete,
    /// The file is still being copied, or was cut off.
    Incomplete {
        /// Current length in bytes.
        have: u64,
        /// Minimum length of the complete file in bytes.
        need: u64,
    },
    /// The file does not have the format that its name implies.
    NotAPackage {
        /// Why, as a clause for a message.
        reason: String,
    },
}

/// Number of bytes at the start of a file that [`completeness`] needs.
pub(crate) const HEAD: usize = 64;
/// First bytes of a cabinet.
const CAB_MAGIC: &[u8] = b"MSCF";
/// First bytes of an archive's first entry.
const ZIP_ENTRY: &[u8] = b"PK\x03\x04";
/// First bytes of an archive's end record.
const ZIP_END: &[u8] = b"PK\x05\x06";
/// Length of an end record without comment.
const ZIP_END_LENGTH: usize = 22;
/// Maximum length of an end record's comment.
const ZIP_COMMENT: usize = 0xffff;

/// Decides from the first 64 bytes of a file of `len` bytes, or from all bytes if there are fewer.
///
/// A cabinet states its length in its header. An `.hlkx` states it at its end, so `Complete` here means only that its first
/// bytes are plausible: use [`completeness_of_file`] for a decision.
#[must_use]
pub fn completeness(head: &[u8], len: u64, kind: Kind) -> Completeness {
    match kind {
        Kind::Cab => of_cabinet(head, len),
        Kind::Hlkx => of_archive_head(head, len),
    }
}

/// Decides from a file's first bytes, and from its last bytes where the kind of package needs them.
///
/// # Errors
/// The file cannot be read.
pub fn completeness_of_file(file: &File, kind: Kind) -> io::Result<Completeness> {
    of_input(Input::file(file)?, kind)
}

pub(crate) fn of_input(input: Input<'_>, kind: Kind) -> io::Result<Completeness> {
    let head = input.read_up_to(0, HEAD)?;
    let found = completeness(&head, input.len(), kind);
    if kind == Kind::Cab || found != Completeness::Complete {
        return Ok(found);
    }
    let have = input.len();
    let longest = ZIP_END_LENGTH.saturating_add(ZIP_COMMENT);
    let tail = input.read_up_to(have.saturating_sub(longest as u64), longest)?;
    // An archive with bytes after its end record is complete as well; the inspection rejects it.
    if find_zip_end(&tail).is_some() || has_early_end(&tail, have) {
        Ok(Completeness::Complete)
    } else {
        Ok(Completeness::Incomplete { have, need: have.saturating_add(1) })
    }
}

fn of_cabinet(head: &[u8], len: u64) -> Completeness {
    if !may_begin_with(head, CAB_MAGIC) {
        return not_a_package("it does not begin like a cabinet (MSCF)");
    }
    let incomplete = |need: u64| Completeness::Incomplete { have: len, need };
    if len < header::FIXED {
        return incomplete(header::FIXED);
    }
    let Some(header) = Header::read(head) else {
        let is_cut_off = len < header::SIGNED;
        return if is_cut_off { incomplete(header::SIGNED) } else { not_a_package("its header is cut off") };
    };
    let need = header.file_length();
    if need < header::FIXED {
        return not_a_package("its header gives a length shorter than a header");
    }
    if len < need { incomplete(need) } else { Completeness::Complete }
}

fn of_archive_head(head: &[u8], len: u64) -> Completeness {
    if !may_begin_with(head, ZIP_ENTRY) {
        return not_a_package("it does not begin like a zip archive (PK), which an .hlkx is");
    }
    let need = (ZIP_END_LENGTH as u64).saturating_mul(2);
    if len < need { Completeness::Incomplete { have: len, need } } else { Completeness::Complete }
}

/// True if the head starts with the magic, or is a part of it in a file that is still short.
fn may_begin_with(head: &[u8], magic: &[u8]) -> bool {
    magic.starts_with(head.get(..magic.len()).unwrap_or(head))
}

/// Offset of the end record in the tail of an archive: the last one whose comment ends where the file ends.
pub(crate) fn find_zip_end(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(ZIP_END_LENGTH)?;
    (0..=last).rev().find(|at| {
        let Some(record) = tail.get(*at..) else {
            return false;
        };
        let comment =
            record.get(20..22).map(|octets| octets.iter().rev().fold(0, |sum, b| sum << 8 | usize::from(*b)));
        record.starts_with(ZIP_END)
            && comment.and_then(|length| length.checked_add(ZIP_END_LENGTH)) == Some(record.len())
    })
}

/// True if the tail of a file of `len` bytes holds an end record that directly follows the directory that it describes,
/// and that ends before the file does.
fn has_early_end(tail: &[u8], len: u64) -> bool {
    let number = |record: &[u8], at: usize, count: usize| {
        let octets = record.get(at..at.saturating_add(count)).unwrap_or_default();
        octets.iter().rev().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet))
    };
    let start = len.saturating_sub(tail.len() as u64);
    let last = tail.len().saturating_sub(ZIP_END_LENGTH);
    (0..=last).filter_map(|at| Some((at, tail.get(at..)?))).any(|(at, record)| {
        record.starts_with(ZIP_END)
            && (number(record, 20, 2)).saturating_add(ZIP_END_LENGTH as u64) < record.len() as u64
            && number(record, 12, 4).saturating_add(number(record, 16, 4)) == start.saturating_add(at as u64)
    })
}

fn not_a_package(reason: &str) -> Completeness {
    Completeness::NotAPackage { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAB: &[u8] = include_bytes!("../tests/fixtures/cab/good-signed-ts.cab");
    const HLKX: &[u8] = include_bytes!("../tests/fixtures/hlkx/good.hlkx");

    #[test]
    fn signed_cabinet_is_complete_at_its_last_byte() {
        for len in 0..CAB.len() {
            let completeness = of_input(Input::bytes(&CAB[..len]), Kind::Cab).unwrap();
            let Completeness::Incomplete { have, need } = completeness else {
                panic!("{len}: {completeness:?}")
            };
            assert_eq!(have, len as u64);
            assert!(need > have && need <= CAB.len() as u64, "{len}: {need}");
        }
        assert_eq!(of_input(Input::bytes(CAB), Kind::Cab).unwrap(), Completeness::Complete);
    }

    #[test]
    fn archive_is_complete_with_its_end_record() {
        for len in [0, 1, 3, 4, 30, 5000, HLKX.len() - 1] {
            let completeness = of_input(Input::bytes(&HLKX[..len]), Kind::Hlkx).unwrap();
            assert!(matches!(completeness, Completeness::Incomplete { .. }), "{len}: {completeness:?}");
        }
        assert_eq!(of_input(Input::bytes(HLKX), Kind::Hlkx).unwrap(), Completeness::Complete);
    }

    #[test]
    fn file_of_another_format_is_not_a_package() {
        for (bytes, kind) in [(HLKX, Kind::Cab), (CAB, Kind::Hlkx), (&b"MZ"[..], Kind::Cab)] {
            let completeness = of_input(Input::bytes(bytes), kind).unwrap();
            assert!(matches!(completeness, Completeness::NotAPackage { .. }), "{completeness:?}");
        }
    }
}
