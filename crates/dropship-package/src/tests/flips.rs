//! A flipped bit in a signed part of a package is always noticed.

use std::io::Cursor;
use std::ops::Range;

use super::{Random, bytes, link, policy, sources};
use crate::cab::header::Header;
use crate::signature::signed_data::SignedData;
use crate::{Inspection, Kind, Policy, Trust, TrustSources, inspect_bytes};

/// Number of bits flipped in each package.
const FLIPS: usize = 500;

/// Flips bits at random offsets, and returns the offsets where the findings do not change.
fn unnoticed(package: &[u8], kind: Kind, policy: &Policy) -> Vec<usize> {
    let before = inspect_bytes(package, kind, policy);
    assert_eq!(before.verdict, crate::Verdict::Accept, "{:#?}", before.findings);
    let found =
        |inspection: &Inspection| inspection.findings.iter().map(|f| f.check.clone()).collect::<Vec<_>>();
    let mut random = Random(0x0064_726f_7073_6869);
    let mut bytes = package.to_vec();
    let mut offsets = Vec::new();
    for _ in 0..FLIPS {
        let at = random.below(package.len());
        let bit = 1 << random.below(8);
        bytes[at] ^= bit;
        let after = inspect_bytes(&bytes, kind, policy);
        bytes[at] ^= bit;
        if after.verdict == before.verdict && found(&after) == found(&before) {
            offsets.push(at);
        }
    }
    offsets
}

/// The range of a slice in the slice that contains it.
fn range_of(part: &[u8], whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

#[test]
fn flipped_bit_in_a_cabinet_is_noticed() {
    // With the operator's copy of the intermediate, and without.
    let by = |sources: &TrustSources<'_>| Policy { signers: Trust::from_pem(sources).unwrap(), ..policy() };
    let cabs = ["cab/good-signed-ts", "cab/good-signed-ec384", "cab/stored-signed"];
    check_cabinets(&policy(), &cabs);
    check_cabinets(&by(&TrustSources { intermediates: Vec::new(), ..sources() }), &cabs);
    let cabs = ["link/moniker", "link/url-p256", "link/room-128"];
    check_cabinets(&by(&link::sources()), &cabs);
}

fn check_cabinets(policy: &Policy, names: &[&str]) {
    for name in names {
        let package = bytes(&format!("{name}.cab"));
        let header = Header::read(&package).unwrap();
        let data = SignedData::read(&package[header.length as usize..]).unwrap();
        let mut signed: Vec<Range<usize>> = header
            .signed_ranges()
            .iter()
            .map(|range| usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
            .collect();
        // Unsigned fields of the header have only one valid value.
        signed.push(0..60);
        signed.push(range_of(data.content.unwrap().value, &package));
        signed.push(range_of(data.signer.signed.whole, &package));
        signed.push(range_of(data.signer.value, &package));
        signed.extend(data.certificates.iter().map(|certificate| range_of(certificate, &package)));
        let missed = unnoticed(&package, Kind::Cab, policy);
        let missed_signed: Vec<_> =
            missed.iter().filter(|at| signed.iter().any(|range| range.contains(at))).collect();
        assert!(
            missed_signed.is_empty(),
            "{name}: signed bytes whose flips were not noticed: {missed_signed:?}"
        );
        assert!(missed.len() < FLIPS / 10, "{name}: {} flips were not noticed", missed.len());
    }
}

#[test]
fn flipped_bit_in_a_kit_package_is_noticed() {
    let package = bytes("hlkx/good.hlkx");
    let mut archive = zip::ZipArchive::new(Cursor::new(&package)).unwrap();
    let parts: Vec<Range<usize>> = (0..archive.len())
        .map(|index| {
            let part = archive.by_index_raw(index).unwrap();
            let start = usize::try_from(part.data_start().unwrap()).unwrap();
            start..start + usize::try_from(part.compressed_size()).unwrap()
        })
        .collect();
    let missed = unnoticed(&package, Kind::Hlkx, &policy());
    let missed_signed: Vec<_> =
        missed.iter().filter(|at| parts.iter().any(|range| range.contains(at))).collect();
    assert!(missed_signed.is_empty(), "flips inside of parts that were not noticed at {missed_signed:?}");
    assert!(missed.len() < FLIPS / 10, "{} flips were not noticed", missed.len());
}
