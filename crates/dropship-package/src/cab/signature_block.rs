//! Reads the bytes of a cabinet's signature, and checks where they are.

use std::borrow::Cow;
use std::io;

use crate::checks::{Check, Report};
use crate::der::DerError;
use crate::input::Input;
use crate::policy::Policy;
use crate::signature::authenticode::Authenticode;
use crate::verdict::Level;

use super::header::{Header, Signature, UncoveredReserve};

/// Maximum length of a signature; real ones take some tens of kilobytes.
const MAX_SIGNATURE: u32 = 4 * 1024 * 1024;
/// Signatures are padded to a multiple of this many bytes.
const PADDING: usize = 8;

/// The bytes of the signature; `None`, with a finding, if it is missing or misplaced.
pub(super) fn read(
    input: Input<'_>,
    header: &Header,
    policy: &Policy,
    report: &mut Report<'_>,
) -> io::Result<Option<Vec<u8>>> {
    if header.is_of_a_set {
        let message = "the cabinet is one of a set of cabinets; put the whole package into one cabinet";
        report.add(Check::MultiCabinet, message);
    }
    let (offset, size) = match header.signature {
        Signature::At { offset, size } => (offset, size),
        Signature::None => {
            let level = if policy.signers.allow_unsigned { Level::Warn } else { Level::Error };
            let message =
                "the package is not signed; sign it with signtool and /fd sha256 before it is dropped";
            report.add_at(Check::Unsigned, level, message);
            if input.len() != u64::from(header.length) && level != Level::Error {
                let message = "the cabinet is malformed: there are bytes after its end; build it again";
                report.add(Check::Malformed, message);
            }
            return Ok(None);
        }
        Signature::Old => {
            let message = "the signature is in the cabinet header (a pre-Authenticode layout), which is not verified; sign the package again with signtool";
            report.add(Check::OldSignatureLayout, message);
            return Ok(None);
        }
        Signature::Malformed(reason) => {
            report.add(
                Check::Malformed,
                format!("the cabinet is malformed: {reason}; build and sign it again"),
            );
            return Ok(None);
        }
        Signature::UncoveredReserve(reserve) => {
            report.add(Check::CabReserve, uncovered(reserve));
            return Ok(None);
        }
    };
    let padding = header.spare_reserve();
    let length = usize::try_from(padding.end.saturating_sub(padding.start)).unwrap_or(0);
    if input.read_up_to(padding.start, length)?.iter().any(|byte| *byte != 0) {
        report.add(Check::CabReserve, uncovered(UncoveredReserve::Cabinet));
        return Ok(None);
    }
    let end = u64::from(offset).saturating_add(u64::from(size));
    let reason = if offset != header.length {
        "its signature does not follow where the cabinet ends"
    } else if end != input.len() {
        "there are bytes after its signature, which nothing covers"
    } else if size == 0 || size > MAX_SIGNATURE {
        "its signature has an impossible length"
    } else {
        let length = usize::try_from(size).unwrap_or(0);
        return input.read_up_to(u64::from(offset), length).map(Some);
    };
    report.add(Check::Malformed, format!("the cabinet is malformed: {reason}; build and sign it again"));
    Ok(None)
}

/// The message for a reserve that no signature covers; names the setting that creates it.
fn uncovered(reserve: UncoveredReserve) -> String {
    let (fault, setting) = match reserve {
        UncoveredReserve::Cabinet => {
            ("the header's reserve holds data besides the signature's place", "ReservePerCabinetSize")
        }
        UncoveredReserve::Folder => ("folders have a reserve", "ReservePerFolderSize"),
        UncoveredReserve::DataBlock => ("data blocks have a reserve", "ReservePerDataBlockSize"),
    };
    format!(
        "{fault}, which no signature covers; leave {setting} out of the DDF, build the cabinet and sign it again"
    )
}

/// The signature in DER, and the bytes after it.
pub(super) type Der<'a> = (Cow<'a, [u8]>, &'a [u8]);

/// Parses a signature in DER, and checks the padding after it.
pub(super) fn parse<'a>((der, padding): &'a Der<'_>) -> Result<Authenticode<'a>, DerError> {
    let signature = Authenticode::read(der)?;
    if padding.len() >= PADDING || padding.iter().any(|byte| *byte != 0) {
        return Err(DerError("it is followed by bytes that are not padding"));
    }
    Ok(signature)
}
