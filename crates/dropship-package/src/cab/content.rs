//! The identity of a cabinet's content: equal for all cabinets that differ only in bytes that no signature covers, in the
//! signature itself, or in the space that is reserved for it.
//!
//! It is the digest that a SHA-256 Authenticode signature has, or would have, if the header's reserve had its usual 20
//! bytes. For most packages that digest is computed anyway.

use std::io;
use std::ops::Range;

use super::header::{FIXED, Header};
use crate::input::Input;

/// Length of a folder entry without its reserve.
const FOLDER_ENTRY: usize = 8;
/// The flag of a header with a reserve.
const RESERVE: u8 = 4;

/// Which bytes make up the content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentBytes {
    /// The signed bytes.
    Signed,
    /// This beginning, as it would be with the usual reserve, then the rest of the cabinet.
    Moved { head: Vec<u8>, rest: Range<u64> },
}

impl ContentBytes {
    /// Reads the beginning of a cabinet. `None` for one of a set of cabinets, and for a cabinet that is too short.
    pub(super) fn read(input: Input<'_>, header: &Header) -> io::Result<Option<Self>> {
        if header.is_of_a_set {
            return Ok(None);
        }
        if header.has_usual_reserve() {
            return Ok(Some(Self::Signed));
        }
        let stride = FOLDER_ENTRY.saturating_add(usize::from(header.folder_reserve));
        let table = stride.saturating_mul(usize::from(header.folders));
        let fixed = input.read_up_to(0, usize::try_from(FIXED).unwrap_or(0))?;
        let mut folders = input.read_up_to(u64::from(header.folders_at), table)?;
        let end = u64::from(header.folders_at).saturating_add(table as u64);
        if folders.len() < table || end > u64::from(header.length) {
            return Ok(None);
        }
        let shift = header.shift_to_usual_reserve();
        let mut head = fixed;
        // Length of the cabinet, and offset of the first file entry.
        for at in [8, 16] {
            move_offset(&mut head, at, shift);
        }
        if let Some(flags) = head.get_mut(30) {
            *flags |= RESERVE;
        }
        for entry in folders.chunks_mut(stride) {
            move_offset(entry, 0, shift);
        }
        // As in `Header::signed_ranges`: without the checksum, with the length of the reserve's empty first structure.
        let mut signed = head.get(..4).unwrap_or_default().to_vec();
        signed.extend_from_slice(head.get(8..).unwrap_or_default());
        signed.extend_from_slice(&[0, 0]);
        signed.append(&mut folders);
        Ok(Some(Self::Moved { head: signed, rest: end..u64::from(header.length) }))
    }
}

/// Adds a shift to a number of four bytes.
fn move_offset(bytes: &mut [u8], at: usize, shift: i64) {
    let Some(field) = bytes.get_mut(at..at.saturating_add(4)) else { return };
    if let Ok(number) = <[u8; 4]>::try_from(&*field) {
        let shift = u32::try_from(shift.rem_euclid(1 << 32)).unwrap_or(0);
        field.copy_from_slice(&u32::from_le_bytes(number).wrapping_add(shift).to_le_bytes());
    }
}
