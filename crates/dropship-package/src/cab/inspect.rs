//! Inspects a complete cabinet.

use std::collections::BTreeSet;
use std::io;

use ring::digest::Digest;

use super::content::ContentBytes;
use super::contents::{CabContents, is_inf};
use super::decode::DecodeFault;
use super::header::Header;
use super::listing::CabListing;
use super::preview::{self, Files, read_files};
use super::signature_block::{self, Der};
use crate::ber;
use crate::budget::WorkKind;
use crate::checks::{Check, Report};
use crate::der::DerError;
use crate::facts::{Facts, FileFact, Kind};
use crate::hash::{self, Digests};
use crate::inf::InfNotes;
use crate::input::Input;
use crate::policy::Policy;
use crate::preview::Previewed;
use crate::signature::algorithm::Hash;
use crate::signature::authenticode::Authenticode;
use crate::{inf, pe, preflight};

/// Maximum length of a cabinet that common tools can read.
const MAX_READABLE: u64 = 0x7fff_ffff;

/// Inspects a complete cabinet.
pub(crate) fn inspect(
    input: Input<'_>,
    policy: &Policy,
    report: &mut Report<'_>,
    (hashed, previewed): (bool, &Previewed),
) -> io::Result<(Option<Facts>, Option<[u8; 32]>)> {
    let head = input.read_up_to(0, crate::completeness::HEAD)?;
    let Some(header) = Header::read(&head) else {
        report.add(Check::Malformed, "the cabinet's header cannot be read; build it again");
        let sha256 = hash::digest(input, &[], hashed)?.whole;
        return Ok((None, sha256));
    };
    if input.len() > MAX_READABLE {
        let message =
            "the cabinet is larger than 2 GiB, which cabinet tools are not known to read; split the package";
        report.add(Check::CabLarge, message);
    }
    let block = signature_block::read(input, &header, policy, report)?;
    let der = block.as_deref().map(ber::to_der).transpose();
    let signature = signature(&der, report);
    let nested = signature.as_ref().map(Authenticode::nested).unwrap_or_default();
    let content = ContentBytes::read(input, &header)?;
    let mut hashes = distinct_hashes(signature.iter().chain(nested.iter().flatten()));
    if matches!(content, Some(ContentBytes::Signed)) && !hashes.contains(&Hash::Sha256) {
        hashes.push(Hash::Sha256);
    }
    let header_and_content = (&header, content.as_ref());
    let ((listing, contents), digests) =
        files_and_digests(input, header_and_content, &hashes, (hashed, previewed))?;
    let mut sequences = digests.sequences.into_iter();
    let computed: Vec<(Hash, Digest)> =
        hashes.into_iter().zip(sequences.next().unwrap_or_default()).collect();
    let content = match content {
        Some(ContentBytes::Signed) => {
            computed.iter().find(|(hash, _)| *hash == Hash::Sha256).map(|(_, digest)| *digest)
        }
        Some(ContentBytes::Moved { .. }) => sequences.next().and_then(|digests| digests.first().copied()),
        None => None,
    };
    let signer = signature.as_ref().and_then(|signature| signature.check(report, &computed, policy));
    check_nested(report, nested, &computed);
    let entries = listing.iter().flat_map(|listing| &listing.files);
    let dot_prefixed: Vec<String> =
        entries.filter(|entry| entry.has_dot_prefix).map(|entry| format!("./{}", entry.path)).collect();
    let (mut facts, notes) = facts(input, report, listing, contents)?;
    facts.signer = signer;
    facts.content_sha256 = content.map(|digest| hash::hex(digest.as_ref()));
    if !header.is_of_a_set {
        preflight::check_cabinet(report, policy, &facts, &notes, &dot_prefixed);
    }
    Ok((Some(facts), digests.whole))
}

/// The signature in the block, if there is one that can be read.
fn signature<'a>(
    der: &'a Result<Option<Der<'_>>, DerError>,
    report: &mut Report<'_>,
) -> Option<Authenticode<'a>> {
    let der = der.as_ref().map_err(Clone::clone);
    let parsed = der.and_then(|der| der.as_ref().map(signature_block::parse).transpose());
    parsed.unwrap_or_else(|error| {
        let message = format!("the signature cannot be read: {error}; sign the package again");
        report.add(Check::SignatureMalformed, message);
        None
    })
}

/// The files of the cabinet, and its digests: over the signed bytes with each of the hashes, and over its content. Parts that are
/// known from the preview are not read again.
fn files_and_digests(
    input: Input<'_>,
    header_and_content: (&Header, Option<&ContentBytes>),
    hashes: &[Hash],
    (hashed, previewed): (bool, &Previewed),
) -> io::Result<(Files, Digests)> {
    let (header, content) = header_and_content;
    let previewed_digests = previewed.cab_digests.as_ref().filter(|_| !hashed);
    let previewed_digests =
        previewed_digests.and_then(|digests| digests.of(input, header_and_content, hashes));
    let previewed_files = previewed.cab_files.as_ref().and_then(|files| files.of(input, header));
    // Digests need the whole cabinet, files only parts of it: two threads share the time.
    std::thread::scope(|scope| {
        let files = match previewed_files {
            Some(files) => Ok(files),
            None => Err(scope.spawn(|| read_files(input, header))),
        };
        let digests = match previewed_digests {
            Some(sequences) => Ok(Digests { sequences, whole: None }),
            None => {
                let algorithms: Vec<_> = hashes.iter().map(|hash| hash.algorithm()).collect();
                let ranges = header.signed_ranges();
                let signed =
                    hash::Sequence { ranges: &ranges, algorithms: &algorithms, ..Default::default() };
                hash::digest(input, &[signed, preview::moved(content)], hashed)
            }
        };
        let failed = |_| io::Error::other("reading the cabinet's files failed");
        let files = files.or_else(|reader| reader.join().map_err(failed)?)?;
        Ok((files, digests?))
    })
}

/// The digest algorithms of the signatures, each once.
fn distinct_hashes<'s, 'a: 's>(signatures: impl Iterator<Item = &'s Authenticode<'a>>) -> Vec<Hash> {
    let mut hashes = Vec::new();
    for hash in signatures.filter_map(Authenticode::hash) {
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    hashes
}

fn check_nested(
    report: &mut Report<'_>,
    nested: Vec<Result<Authenticode<'_>, DerError>>,
    computed: &[(Hash, Digest)],
) {
    for signature in nested {
        match signature {
            Ok(signature) => signature.check_nested(report, computed),
            Err(error) => {
                let message = format!("a nested signature cannot be read: {error}");
                report.add(Check::NestedSignatureInvalid, message);
            }
        }
    }
}

/// The facts of the files that were read, and findings about those that were not.
fn facts(
    input: Input<'_>,
    report: &mut Report<'_>,
    listing: Result<CabListing, &'static str>,
    contents: CabContents,
) -> io::Result<(Facts, Vec<InfNotes>)> {
    let listing = listing.unwrap_or_else(|reason| {
        report.add(Check::Malformed, format!("the cabinet is malformed: {reason}; build it again"));
        CabListing::default()
    });
    let files = listing.files.iter();
    let mut files: Vec<FileFact> = files
        .map(|entry| FileFact { path: entry.path.clone(), size: u64::from(entry.size), machine: None })
        .collect();
    report_unread(report, &files, &contents.unread);
    let (mut infs, mut notes, mut budget) = (Vec::new(), Vec::new(), inf::InfBudget::default());
    let mut architectures = BTreeSet::new();
    for (index, bytes) in contents.read {
        let Some(file) = files.get_mut(index) else {
            continue;
        };
        // Reading thousands of INFs takes time.
        input.charge(WorkKind::Read, 0)?;
        if is_inf(&file.path) {
            let (facts, inf_notes) = inf::read(&file.path, &bytes, &mut budget);
            architectures.extend(facts.architectures.iter().cloned());
            infs.push(facts);
            notes.push(inf_notes);
        } else {
            file.machine = pe::machine(&bytes);
        }
    }
    if architectures.is_empty() {
        architectures.extend(files.iter().filter_map(|file| file.machine.clone()));
    }
    let facts = Facts {
        kind: Kind::Cab,
        size: input.len(),
        files,
        infs,
        architectures,
        signer: None,
        hlkx: None,
        content_sha256: None,
    };
    Ok((facts, notes))
}

/// Reports the files that could not be unpacked.
fn report_unread(report: &mut Report<'_>, files: &[FileFact], unread: &[(usize, DecodeFault)]) {
    let mut damaged = Vec::new();
    for (index, fault) in unread {
        let Some(path) = files.get(*index).map(|file| preflight::shown(&file.path)) else {
            continue;
        };
        match fault {
            DecodeFault::Unread(reason) => {
                let message = format!("{path} could not be read: {reason}; its contents were not checked");
                report.add(Check::ContentsUnread, message);
            }
            DecodeFault::Damaged(reason) => damaged.push((path, reason)),
        }
    }
    // A digest mismatch explains all damage.
    if let Some((path, reason)) = damaged.first()
        && !report.has(Check::DigestMismatch)
    {
        let others = match damaged.len() {
            1 => String::new(),
            2 => " and 1 more file".to_owned(),
            all => format!(" and {} more files", all.saturating_sub(1)),
        };
        let message =
            format!("the cabinet is malformed: {path}{others} cannot be unpacked: {reason}; build it again");
        report.add(Check::Malformed, message);
    }
}
