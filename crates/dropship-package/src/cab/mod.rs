//! Inspects signed cabinets.

mod contents;
mod decode;
pub(crate) mod header;
mod listing;
mod signature_block;
mod window;

use std::collections::BTreeSet;
use std::io;

use ring::digest::Digest;

use super::ber;
use super::checks::{Check, Report};
use super::facts::{Facts, FileFact, Kind};
use super::hash;
use super::inf::InfNotes;
use super::input::Input;
use super::policy::Policy;
use super::signature::algorithm::Hash;
use super::signature::authenticode::Authenticode;
use super::{inf, pe, preflight};
use contents::{Contents, is_inf};
use decode::Fault;
use header::Header;
use listing::Listing;

/// Longest cabinet that common tools read.
const LARGE: u64 = 0x7fff_ffff;

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
    let block = signature_block::read(input, &header, policy, report)?;
    let der = block.as_deref().map(ber::to_der).transpose();
    let signature = match der
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|der| der.as_ref().map(signature_block::parse).transpose())
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
    let entries = listing.iter().flat_map(|listing| &listing.files);
    let dot_prefixed: Vec<String> =
        entries.filter(|entry| entry.has_dot_prefix).map(|entry| format!("./{}", entry.path)).collect();
    let (mut facts, notes) = facts(input, report, listing, contents);
    facts.signer = signer;
    if !header.of_a_set {
        preflight::check_cabinet(report, policy, &facts, &notes, &dot_prefixed);
    }
    Ok((Some(facts), digests.whole))
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
