//! Inspects signed cabinets.

mod contents;
mod decode;
pub(crate) mod header;
mod listing;
mod window;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;

use ring::digest::Digest;

use super::ber;
use super::checks::{Check, Report};
use super::der::DerError;
use super::facts::{Facts, FileFact, Kind};
use super::hash;
use super::inf::InfNotes;
use super::input::Input;
use super::policy::Policy;
use super::signature::algorithm::Hash;
use super::signature::authenticode::Authenticode;
use super::verdict::Level;
use super::{inf, pe, preflight};
use contents::{Contents, is_inf};
use decode::Fault;
use header::{Header, Signature, UncoveredReserve};
use listing::Listing;

/// Longest signature that is read; real ones take some tens of kilobytes.
const SIGNATURE: u32 = 4 * 1024 * 1024;
/// Longest cabinet that common tools read.
const LARGE: u64 = 0x7fff_ffff;
/// Signatures are padded to this many bytes.
const PADDING: usize = 8;

/// Inspects a complete cabinet.
pub(super) fn inspect(
    input: Input<'_>,
    policy: &Policy,
    report: &mut Report<'_>,
    hashed: bool,
) -> io::Result<(Option<Facts>, Option<[u8; 32]>)> {
    let head = input.read_up_to(0, super::completeness::HEAD)?;
    let Some(header) = Header::read(&head) else {
        report.say(Check::Malformed, "the cabinet's header cannot be read; build it again");
        let whole = hash::digest(input, &[], &[], hashed)?.whole;
        return Ok((None, whole));
    };
    if input.len() > LARGE {
        let message =
            "the cabinet is larger than 2 GiB, which cabinet tools are not known to read; split the package";
        report.say(Check::CabLarge, message);
    }
    let block = signature_block(input, &header, policy, report)?;
    let der = block.as_deref().map(ber::to_der).transpose();
    let signature =
        match der.as_ref().map_err(Clone::clone).and_then(|der| der.as_ref().map(read_signature).transpose())
        {
            Ok(signature) => signature,
            Err(error) => {
                let message = format!("the signature cannot be read: {error}; sign the package again");
                report.say(Check::SignatureMalformed, message);
                None
            }
        };
    let nested = signature.as_ref().map(Authenticode::nested).unwrap_or_default();
    let mut hashes: Vec<Hash> = Vec::new();
    for hash in signature.iter().chain(nested.iter().flatten()).filter_map(Authenticode::hash) {
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    let ((listing, contents), digests) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| look_inside(input, &header));
        let algorithms: Vec<_> = hashes.iter().map(|hash| hash.algorithm()).collect();
        let digests = hash::digest(input, &header.signed_ranges(), &algorithms, hashed);
        let inside = reader.join().map_err(|_| io::Error::other("reading the cabinet's files failed"));
        Ok::<_, io::Error>((inside??, digests?))
    })?;
    let real: Vec<(Hash, Digest)> = hashes.into_iter().zip(digests.ranges).collect();
    let signer = signature.as_ref().and_then(|signature| signature.check(report, &real, policy));
    for nested in nested {
        match nested {
            Ok(nested) => nested.check_nested(report, &real),
            Err(error) => {
                report.say(
                    Check::NestedSignatureInvalid,
                    format!("a nested signature cannot be read: {error}"),
                );
            }
        }
    }
    let (mut facts, notes) = facts(input, report, listing, contents);
    facts.signer = signer;
    if !header.of_a_set {
        preflight::cabinet(report, &facts, &notes);
    }
    Ok((Some(facts), digests.whole))
}

/// The bytes of the signature; `None`, with a finding, if there is none at the place where it must be.
fn signature_block(
    input: Input<'_>,
    header: &Header,
    policy: &Policy,
    report: &mut Report<'_>,
) -> io::Result<Option<Vec<u8>>> {
    if header.of_a_set {
        let message = "the cabinet is one of a set of cabinets; put the whole package into one cabinet";
        report.say(Check::MultiCabinet, message);
    }
    let (offset, size) = match header.signature {
        Signature::At { offset, size } => (offset, size),
        Signature::None => {
            let level = if policy.signers.allow_unsigned { Level::Warn } else { Level::Error };
            let message =
                "the package is not signed; sign it with signtool and /fd sha256 before it is dropped";
            report.say_at(Check::Unsigned, level, message);
            if input.len() != u64::from(header.length) && level != Level::Error {
                let message = "the cabinet is malformed: there are bytes after its end; build it again";
                report.say(Check::Malformed, message);
            }
            return Ok(None);
        }
        Signature::Old => {
            let message = "the signature is in the cabinet header (a pre-Authenticode layout), which is not verified; sign the package again with signtool";
            report.say(Check::OldSignatureLayout, message);
            return Ok(None);
        }
        Signature::Malformed(reason) => {
            report.say(
                Check::Malformed,
                format!("the cabinet is malformed: {reason}; build and sign it again"),
            );
            return Ok(None);
        }
        Signature::UncoveredReserve(reserve) => {
            report.say(Check::CabReserve, uncovered(reserve));
            return Ok(None);
        }
    };
    let spare = header.spare_reserve();
    let length = usize::try_from(spare.end.saturating_sub(spare.start)).unwrap_or(0);
    if input.read_up_to(spare.start, length)?.iter().any(|byte| *byte != 0) {
        report.say(Check::CabReserve, uncovered(UncoveredReserve::Cabinet));
        return Ok(None);
    }
    let end = u64::from(offset).saturating_add(u64::from(size));
    let reason = if offset != header.length {
        "its signature does not follow where the cabinet ends"
    } else if end != input.len() {
        "there are bytes after its signature, which nothing covers"
    } else if size == 0 || size > SIGNATURE {
        "its signature has an impossible length"
    } else {
        let length = usize::try_from(size).unwrap_or(0);
        return input.read_up_to(u64::from(offset), length).map(Some);
    };
    report.say(Check::Malformed, format!("the cabinet is malformed: {reason}; build and sign it again"));
    Ok(None)
}

/// Names the setting that makes a reserve which no signature covers.
fn uncovered(reserve: UncoveredReserve) -> String {
    let (place, setting) = match reserve {
        UncoveredReserve::Cabinet => {
            ("the header's reserve holds data besides the signature's place", "ReservePerCabinetSize")
        }
        UncoveredReserve::Folder => ("folders have a reserve", "ReservePerFolderSize"),
        UncoveredReserve::DataBlock => ("data blocks have a reserve", "ReservePerDataBlockSize"),
    };
    format!(
        "{place}, which no signature covers; leave {setting} out of the DDF, build the cabinet and sign it again"
    )
}

/// Reads a signature in DER, and the padding behind it.
fn read_signature<'a>((der, padding): &'a (Cow<'_, [u8]>, &[u8])) -> Result<Authenticode<'a>, DerError> {
    let signature = Authenticode::read(der)?;
    if padding.len() >= PADDING || padding.iter().any(|byte| *byte != 0) {
        return Err(DerError("it is followed by bytes that are not padding"));
    }
    Ok(signature)
}

type Inside = (Result<Listing, &'static str>, Contents);

/// Lists the files, and reads the INFs and the heads of drivers.
fn look_inside(input: Input<'_>, header: &Header) -> io::Result<Inside> {
    if header.of_a_set {
        return Ok((Ok(Listing::default()), Contents::default()));
    }
    let listing = listing::read(input, header)?;
    let contents = match &listing {
        Ok(listing) => contents::read(input, header, listing)?,
        Err(_) => Contents::default(),
    };
    Ok((listing, contents))
}

/// The facts of the files that were read, and findings about those that were not.
fn facts(
    input: Input<'_>,
    report: &mut Report<'_>,
    listing: Result<Listing, &'static str>,
    contents: Contents,
) -> (Facts, Vec<InfNotes>) {
    let listing = listing.unwrap_or_else(|reason| {
        report.say(Check::Malformed, format!("the cabinet is malformed: {reason}; build it again"));
        Listing::default()
    });
    let files = listing.files.iter();
    let mut files: Vec<FileFact> = files
        .map(|entry| FileFact { path: entry.path.clone(), size: u64::from(entry.size), machine: None })
        .collect();
    let mut damaged = Vec::new();
    for (index, fault) in &contents.unread {
        let Some(path) = files.get(*index).map(|file| preflight::shown(&file.path)) else {
            continue;
        };
        match fault {
            Fault::Unread(reason) => {
                let message = format!("{path} could not be read: {reason}; its contents were not checked");
                report.say(Check::ContentsUnread, message);
            }
            Fault::Damaged(reason) => damaged.push((path, reason)),
        }
    }
    // A digest mismatch explains all damage.
    if let Some((path, reason)) = damaged.first()
        && !report.said(Check::DigestMismatch)
    {
        let others = match damaged.len() {
            1 => String::new(),
            all => format!(" and {} more files", all.saturating_sub(1)),
        };
        let message =
            format!("the cabinet is malformed: {path}{others} cannot be unpacked: {reason}; build it again");
        report.say(Check::Malformed, message);
    }
    let (mut infs, mut notes) = (Vec::new(), Vec::new());
    let mut architectures = BTreeSet::new();
    for (index, bytes) in contents.read {
        let Some(file) = files.get_mut(index) else {
            continue;
        };
        if is_inf(&file.path) {
            let (facts, noted) = inf::read(&file.path, &bytes);
            architectures.extend(facts.architectures.iter().cloned());
            infs.push(facts);
            notes.push(noted);
        } else {
            file.machine = pe::machine(&bytes);
        }
    }
    if architectures.is_empty() {
        architectures.extend(files.iter().filter_map(|file| file.machine.clone()));
    }
    let facts =
        Facts { kind: Kind::Cab, size: input.len(), files, infs, architectures, signer: None, hlkx: None };
    (facts, notes)
}
