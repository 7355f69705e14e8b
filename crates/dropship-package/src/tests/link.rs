//! Signatures in the forms of Windows' signtool and of other tools. Each package differs from the others in one property;
//! `tests/fixtures/link/make.py` creates them.

use super::{bytes, checks, policy};
use crate::{Inspection, Kind, Level, PemFile, Policy, Trust, TrustSources, Verdict, inspect_bytes};

const ROOT: &[u8] = include_bytes!("../../tests/fixtures/link/root.pem");
const INTERMEDIATE: &[u8] = include_bytes!("../../tests/fixtures/link/ca.pem");
const OLD_ROOT: &[u8] = include_bytes!("../../tests/fixtures/link/old-root.pem");
const STAMP_ROOT: &[u8] = include_bytes!("../../tests/fixtures/link/stamp-root.pem");

fn file(bytes: &[u8]) -> Vec<PemFile<'_>> {
    vec![PemFile { name: "fixture", bytes }]
}

pub(super) fn sources() -> TrustSources<'static> {
    TrustSources { roots: file(ROOT), timestamp_roots: file(STAMP_ROOT), ..TrustSources::default() }
}

fn inspect_by(package: &[u8], sources: &TrustSources<'_>) -> Inspection {
    inspect_bytes(package, Kind::Cab, &Policy { signers: Trust::from_pem(sources).unwrap(), ..policy() })
}

fn inspect(name: &str) -> Inspection {
    inspect_by(&bytes(&format!("link/{name}.cab")), &sources())
}

/// File, verdict, and all checks with warnings or errors.
const CABS: &[(&str, Verdict, &[&str])] = &[
    // Every SpcLink, every kind of key, every digest, both data types.
    ("moniker", Verdict::Accept, &[]),
    ("url-p256", Verdict::Accept, &[]),
    ("file-p384-sha384", Verdict::Accept, &["digest-above-sha256"]),
    ("file-ascii-p521-sha512", Verdict::Accept, &["digest-above-sha256"]),
    ("none-rsa-sha384", Verdict::Accept, &["digest-above-sha256"]),
    ("moniker-rsa-sha512", Verdict::Accept, &["digest-above-sha256"]),
    ("moniker-p256-sha512", Verdict::Accept, &[]),
    ("moniker-p384-sha256", Verdict::Accept, &[]),
    ("moniker-p384-sha512", Verdict::Accept, &[]),
    ("moniker-p521-sha256", Verdict::Accept, &[]),
    ("moniker-p521-by-rsa", Verdict::Accept, &[]),
    ("moniker-pss", Verdict::Accept, &[]),
    ("moniker-pss-salt", Verdict::Reject, &["signature-unsupported"]),
    ("moniker-ed25519", Verdict::Reject, &["signature-unsupported"]),
    ("moniker-k1", Verdict::Reject, &["signature-unsupported"]),
    ("cab-data-by-key", Verdict::Accept, &[]),
    ("cab-data-p521-counter", Verdict::Accept, &[]),
    ("pe-image", Verdict::Reject, &["signature-malformed"]),
    // Attributes.
    ("by-key", Verdict::Accept, &[]),
    ("attributes-reversed", Verdict::Accept, &[]),
    ("attributes-sorted-value", Verdict::Accept, &[]),
    ("nested", Verdict::Accept, &[]),
    ("nested-foreign", Verdict::Accept, &["nested-signature-invalid"]),
    // Timestamps.
    ("ber-stamp", Verdict::Accept, &[]),
    ("ber-stamp-deep", Verdict::Accept, &[]),
    ("foreign-ber-stamp", Verdict::Reject, &["timestamp-invalid"]),
    ("foreign-stamp", Verdict::Reject, &["timestamp-invalid"]),
    ("counter", Verdict::Accept, &[]),
    ("counter-sha1", Verdict::Accept, &["timestamp-sha1"]),
    ("counter-foreign", Verdict::Reject, &["timestamp-invalid"]),
    ("sha1", Verdict::Reject, &["sha1-digest"]),
    ("md5", Verdict::Reject, &["signature-unsupported"]),
    // Reserves.
    ("room-128", Verdict::Accept, &[]),
    ("room-6144", Verdict::Accept, &[]),
    ("room-filled", Verdict::Reject, &["cab-reserve"]),
    ("room-folder", Verdict::Reject, &["cab-reserve"]),
    ("room-data", Verdict::Reject, &["cab-reserve"]),
    // Chains.
    ("cross", Verdict::Accept, &[]),
    ("cross-mute", Verdict::Accept, &[]),
    ("no-cert-sign", Verdict::Reject, &["chain-issuer-usage"]),
    ("cert-sign-renewed", Verdict::Accept, &[]),
    ("wrong-purpose", Verdict::Reject, &["cert-not-code-signing", "cert-not-ev"]),
    ("expired", Verdict::Reject, &["cert-expired"]),
    ("wdk", Verdict::Reject, &["test-signed"]),
    // Cabinets that other tools wrote.
    ("gcab", Verdict::Accept, &[]),
    ("gcab-mszip", Verdict::Accept, &[]),
    ("cabarchive", Verdict::Accept, &[]),
    ("cabarchive-mszip", Verdict::Accept, &[]),
];

#[test]
fn signature_of_each_form_has_its_verdict() {
    for (name, verdict, expected) in CABS {
        let found = inspect(name);
        assert_eq!(checks(&found, Level::Warn), *expected, "{name}: {:#?}", found.findings);
        assert_eq!(found.verdict, *verdict, "{name}: {:#?}", found.findings);
    }
}

#[test]
fn altered_cabinet_is_a_digest_mismatch_in_either_form() {
    for name in ["moniker", "url-p256", "moniker-p521-sha256", "room-128", "cab-data-by-key", "gcab"] {
        let mut package = bytes(&format!("link/{name}.cab"));
        let end = u32::from_le_bytes(package[44..48].try_into().unwrap()) as usize;
        package[end - 1] ^= 1;
        let found = inspect_by(&package, &sources());
        assert_eq!(checks(&found, Level::Error), ["digest-mismatch"], "{name}: {:#?}", found.findings);
    }
}

#[test]
fn timestamp_in_ber_is_read_to_the_end() {
    for name in ["ber-stamp", "ber-stamp-deep", "cab-data-by-key", "moniker"] {
        let signer = inspect(name).facts.unwrap().signer.unwrap();
        assert_eq!(signer.timestamp.as_deref(), Some("2025-06-15T12:00:00Z"), "{name}");
        assert_eq!(signer.timestamp_authority.as_deref(), Some("Link Stamps"), "{name}");
    }
}

fn message(name: &str, check: &str) -> String {
    let inspection = inspect(name);
    let finding = inspection.findings.into_iter().find(|finding| finding.check == check);
    finding.unwrap_or_else(|| panic!("{name}: no {check}")).message
}

#[test]
fn reserve_that_no_signature_covers_is_named_by_its_setting() {
    for (name, setting) in [
        ("room-filled", "ReservePerCabinetSize"),
        ("room-folder", "ReservePerFolderSize"),
        ("room-data", "ReservePerDataBlockSize"),
    ] {
        let message = message(name, "cab-reserve");
        assert!(message.contains(setting), "{name}: {message}");
    }
}

#[test]
fn reserve_is_checked_to_its_last_byte() {
    let package = bytes("link/room-6144.cab");
    for at in [60, 61, 6183] {
        let mut package = package.clone();
        package[at] = 1;
        let found = inspect_by(&package, &sources());
        assert_eq!(checks(&found, Level::Error), ["cab-reserve"], "{at}");
    }
}

#[test]
fn unsupported_key_is_named_with_the_supported_ones() {
    for (name, key) in [("moniker-ed25519", "an Ed25519 key"), ("moniker-k1", "1.3.132.0.10")] {
        let message = message(name, "signature-unsupported");
        assert!(message.contains(key), "{message}");
        assert!(message.contains("P-256, P-384 and P-521"), "{message}");
    }
    let message = message("moniker-pss-salt", "signature-unsupported");
    assert!(message.contains("a salt of 20 octets"), "{message}");
}

#[test]
fn signature_of_another_kind_of_file_is_named() {
    assert!(message("pe-image", "signature-malformed").contains("of an executable"));
}

#[test]
fn authority_without_key_cert_sign_is_named() {
    let message = message("no-cert-sign", "chain-issuer-usage");
    assert!(message.contains("Link CA without keyCertSign"), "{message}");
    assert!(message.contains("keyCertSign"), "{message}");
}

#[test]
fn chain_leads_through_the_cross_certificate_to_the_old_root() {
    let old = TrustSources { roots: file(OLD_ROOT), ..sources() };
    for name in ["cross", "cross-mute"] {
        let found = inspect_by(&bytes(&format!("link/{name}.cab")), &old);
        assert_eq!(checks(&found, Level::Warn), [""; 0], "{name}: {:#?}", found.findings);
    }
    let without = inspect_by(&bytes("link/moniker.cab"), &old);
    assert_eq!(checks(&without, Level::Error), ["chain-invalid"]);
    assert!(without.reasons().contains("has renewed its key"), "{}", without.reasons());
}

#[test]
fn damaged_cross_certificate_is_found_where_its_issuer_is_known() {
    assert_eq!(checks(&inspect("cross-broken"), Level::Warn), [""; 0], "the old root is not known");
    let both = [ROOT, OLD_ROOT].concat();
    let both = TrustSources { roots: file(&both), ..sources() };
    let found = inspect_by(&bytes("link/cross-broken.cab"), &both);
    assert_eq!(checks(&found, Level::Error), ["chain-damaged"], "{:#?}", found.findings);
    let found = inspect_by(&bytes("link/cross.cab"), &both);
    assert_eq!(checks(&found, Level::Warn), [""; 0], "{:#?}", found.findings);
}

#[test]
fn signer_is_checked_against_lists_and_thumbprints() {
    let signer = inspect("moniker").facts.unwrap().signer.unwrap();
    let listed = TrustSources { thumbprints: vec![signer.thumbprint_sha256], ..sources() };
    let package = bytes("link/moniker.cab");
    assert_eq!(checks(&inspect_by(&package, &listed), Level::Warn), [""; 0]);
    let other = TrustSources { thumbprints: vec!["0".repeat(40)], ..sources() };
    assert_eq!(checks(&inspect_by(&package, &other), Level::Error), ["signer-not-listed"]);
    let lists = |names: [&str; 2]| names.map(|name| bytes(&format!("link/{name}.crl")));
    for (names, expected) in
        [(["ca-clean", "root"], &[][..]), (["ca-revoked", "root"], &["cert-revoked"][..])]
    {
        let lists = lists(names);
        let crls = lists.iter().flat_map(|list| file(list)).collect();
        let found = inspect_by(&package, &TrustSources { crls, ..sources() });
        assert_eq!(checks(&found, Level::Info), expected, "{names:?}: {:#?}", found.findings);
    }
}

#[test]
fn kit_package_signed_by_another_key_than_rsa_is_refused() {
    let sources = TrustSources { intermediates: file(INTERMEDIATE), ..sources() };
    let policy = Policy { signers: Trust::from_pem(&sources).unwrap(), ..policy() };
    for (name, key) in [("ecdsa-p384", "ECDSA key on P-384"), ("ecdsa-p521", "ECDSA key on P-521")] {
        let found = inspect_bytes(&bytes(&format!("link/{name}.hlkx")), Kind::Hlkx, &policy);
        assert_eq!(checks(&found, Level::Warn), ["hlkx-signer-not-rsa"], "{name}: {:#?}", found.findings);
        assert!(found.reasons().contains(key), "{name}: {}", found.reasons());
    }
}
