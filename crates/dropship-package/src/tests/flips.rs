//! One flipped bit in a signed package is noticed, or is where nothing is signed.

use std::io::Cursor;
use std::ops::Range;

use super::{Random, bytes, link, policy, sources};
use crate::cab::header::Header;
use crate::signature::signed_data::SignedData;
use crate::{Inspection, Kind, Policy, Trust, TrustSources, inspect_bytes};

const PLACES: usize = 500;

/// Flips bits at random places, and returns those that do not change the findings.
fn unnoticed(package: &[u8], kind: Kind, policy: &Policy) -> Vec<usize> {
    let before = inspect_bytes(package, kind, policy);
    assert_eq!(before.verdict, crate::Verdict::Accept, "{:#?}", before.findings);
    let told =
        |inspection: &Inspection| inspection.findings.iter().map(|f| f.check.clone()).collect::<Vec<_>>();
    let mut random = Random(0x0064_726f_7073_6869);
    let mut bytes = package.to_vec();
    let mut places = Vec::new();
    for _ in 0..PLACES {
        let at = random.below(package.len());
        let bit = 1 << random.below(8);
        bytes[at] ^= bit;
        let after = inspect_bytes(&bytes, kind, policy);
        bytes[at] ^= bit;
        if after.verdict == before.verdict && told(&after) == told(&before) {
            places.push(at);
        }
    }
    places
}

/// The place of a slice in the slice that contains it.
fn place(of: &[u8], within: &[u8]) -> Range<usize> {
    let start = of.as_ptr() as usize - within.as_ptr() as usize;
    start..start + of.len()
}

#[test]
fn flipped_bit_in_a_cabinet_is_noticed() {
    // With the operator's own copy of the intermediate, and without.
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
        // What of the header is not signed can hold nothing but what it holds.
        signed.push(0..60);
        signed.push(place(data.content.unwrap().value, &package));
        signed.push(place(data.signer.signed.whole, &package));
        signed.push(place(data.signer.value, &package));
        signed.extend(data.certificates.iter().map(|certificate| place(certificate, &package)));
        let missed = unnoticed(&package, Kind::Cab, policy);
        let wrong: Vec<_> =
            missed.iter().filter(|at| signed.iter().any(|range| range.contains(at))).collect();
        assert!(wrong.is_empty(), "{name}: flips that were signed and not noticed at {wrong:?}");
        assert!(missed.len() < PLACES / 10, "{name}: {} flips were not noticed", missed.len());
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
    let wrong: Vec<_> = missed.iter().filter(|at| parts.iter().any(|range| range.contains(at))).collect();
    assert!(wrong.is_empty(), "flips inside of parts that were not noticed at {wrong:?}");
    assert!(missed.len() < PLACES / 10, "{} flips were not noticed", missed.len());
}
