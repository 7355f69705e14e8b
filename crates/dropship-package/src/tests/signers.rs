//! Roots, intermediates, thumbprints and revocation lists, with packages of another test authority.

use super::{bytes, checks, policy};
use crate::{Inspection, Kind, Level, PemFile, Policy, Trust, TrustSources, Verdict, inspect_bytes};

const ROOTS: &[u8] = include_bytes!("../../tests/fixtures/more/roots.pem");
const INTERMEDIATES: &[u8] = include_bytes!("../../tests/fixtures/more/inter.pem");
const TIMESTAMP_ROOTS: &[u8] = include_bytes!("../../tests/fixtures/more/tsaroots.pem");

fn file(bytes: &[u8]) -> Vec<PemFile<'_>> {
    vec![PemFile { name: "fixture", bytes }]
}

fn sources() -> TrustSources<'static> {
    TrustSources {
        roots: file(ROOTS),
        intermediates: file(INTERMEDIATES),
        timestamp_roots: file(TIMESTAMP_ROOTS),
        ..TrustSources::default()
    }
}

fn inspect_with(name: &str, sources: &TrustSources<'_>) -> Inspection {
    let kind = Kind::of_name(name).unwrap();
    let policy = Policy { signers: Trust::from_pem(sources).unwrap(), ..policy() };
    inspect_bytes(&bytes(&format!("more/{name}")), kind, &policy)
}

fn findings_of(name: &str, sources: &TrustSources<'_>, least: Level) -> (Verdict, Vec<String>) {
    let inspection = inspect_with(name, sources);
    let checks = checks(&inspection, least).into_iter().map(str::to_owned).collect();
    (inspection.verdict, checks)
}

fn with_crls(names: &[&str]) -> (Verdict, Vec<String>) {
    let lists: Vec<Vec<u8>> = names.iter().map(|name| bytes(&format!("more/{name}.crl"))).collect();
    let crls = lists.iter().flat_map(|list| file(list)).collect();
    let (verdict, mut found) = findings_of("good.cab", &TrustSources { crls, ..sources() }, Level::Info);
    found.retain(|check| check != "timestamp-missing");
    (verdict, found)
}

#[test]
fn revocation_is_checked_by_the_given_lists() {
    let accept = |check: &str| (Verdict::Accept, vec![check.to_owned()]);
    assert_eq!(with_crls(&[]), accept("revocation-not-checked"));
    assert_eq!(with_crls(&["inter-clean"]), accept("revocation-not-checked"));
    assert_eq!(with_crls(&["inter-clean", "root"]), (Verdict::Accept, vec![]));
    assert_eq!(with_crls(&["inter-old", "root"]), accept("crl-unusable"));
    assert_eq!(with_crls(&["inter-revoked", "root"]), (Verdict::Reject, vec!["cert-revoked".to_owned()]));
    assert_eq!(with_crls(&["inter-revoked"]), (Verdict::Reject, vec!["cert-revoked".to_owned()]));
}

#[test]
fn only_listed_thumbprints_are_accepted() {
    let signer = inspect_with("good.cab", &sources()).facts.unwrap().signer.unwrap();
    for thumbprint in [&signer.thumbprint_sha1, &signer.thumbprint_sha256] {
        for roots in [file(ROOTS), Vec::new()] {
            let sources = TrustSources { roots, thumbprints: vec![thumbprint.to_uppercase()], ..sources() };
            assert_eq!(findings_of("good.cab", &sources, Level::Warn), (Verdict::Accept, vec![]));
        }
    }
    let other = TrustSources { thumbprints: vec!["0".repeat(40)], ..sources() };
    assert_eq!(
        findings_of("good.cab", &other, Level::Warn),
        (Verdict::Reject, vec!["signer-not-listed".to_owned()])
    );
}

#[test]
fn chain_without_roots_is_not_checked() {
    let (verdict, found) = findings_of("good.cab", &TrustSources::default(), Level::Warn);
    assert_eq!((verdict, found), (Verdict::Accept, vec!["chain-not-checked".to_owned()]));
}

#[test]
fn missing_intermediate_is_taken_from_the_policy() {
    let without = TrustSources { intermediates: Vec::new(), ..sources() };
    let found = findings_of("good.hlkx", &without, Level::Error);
    assert_eq!(found, (Verdict::Reject, vec!["chain-unknown-issuer".to_owned()]));
    assert_eq!(findings_of("good.hlkx", &sources(), Level::Warn), (Verdict::Accept, vec![]));
}

#[test]
fn purpose_digest_and_dates_are_separate_checks() {
    let reject = |check: &str| (Verdict::Reject, vec![check.to_owned()]);
    assert_eq!(findings_of("wrong-eku.cab", &sources(), Level::Error), reject("cert-not-code-signing"));
    assert_eq!(findings_of("expired-cert-ts-inside.cab", &sources(), Level::Error), reject("cert-expired"));
    assert_eq!(findings_of("sha1.hlkx", &sources(), Level::Error), reject("sha1-digest"));
}

#[test]
fn timestamp_is_checked_against_its_own_roots() {
    let name = "expired-cert-ts-inside.cab";
    let without = TrustSources { timestamp_roots: Vec::new(), ..sources() };
    let (_, found) = findings_of(name, &without, Level::Warn);
    assert!(found.contains(&"timestamp-unknown-authority".to_owned()), "{found:?}");
    let signer = inspect_with(name, &without).facts.unwrap().signer.unwrap();
    assert_eq!(signer.timestamp.unwrap(), "2020-07-01T10:40:00Z");
    assert_eq!(signer.timestamp_authority.unwrap(), "Test Timestamp Responder");
}

#[test]
fn nested_signature_is_reported() {
    let (verdict, found) = findings_of("nested-signature.cab", &sources(), Level::Info);
    assert_eq!(verdict, Verdict::Accept);
    assert!(found.contains(&"nested-signature".to_owned()), "{found:?}");
}

/// The roots are the operator's, those of the machine, or only those of timestamps.
#[test]
fn signer_needs_no_issuer_only_if_the_operator_listed_it_as_a_root() {
    let signer = inspect_with("good.hlkx", &sources()).facts.unwrap().signer.unwrap();
    let leaf = signer.certificates.signer[0].clone();
    let none = TrustSources::default;
    let verdict = |sources: &TrustSources<'_>| inspect_with("good.hlkx", sources).verdict;
    assert_eq!(verdict(&TrustSources { roots: file(&leaf), ..none() }), Verdict::Accept);
    assert_eq!(verdict(&TrustSources { system_roots: file(&leaf), ..none() }), Verdict::Reject);
    let timestamps = TrustSources { roots: file(ROOTS), timestamp_roots: file(&leaf), ..none() };
    assert_eq!(verdict(&timestamps), Verdict::Reject);
    let intermediate = TrustSources { roots: file(TIMESTAMP_ROOTS), intermediates: file(&leaf), ..none() };
    assert_eq!(verdict(&intermediate), Verdict::Reject);
    // Another signer of the same authority is not accepted by it.
    let other = inspect_with("good.cab", &sources()).facts.unwrap().signer.unwrap();
    let other = other.certificates.signer[0].clone();
    if other != leaf {
        assert_eq!(verdict(&TrustSources { roots: file(&other), ..none() }), Verdict::Reject);
    }
}

#[test]
fn listed_signer_is_refused_if_a_list_of_its_issuer_revokes_it() {
    let signer = inspect_with("good.cab", &sources()).facts.unwrap().signer.unwrap();
    let leaf = signer.certificates.signer[0].clone();
    for (name, verdict) in [("inter-clean", Verdict::Accept), ("inter-revoked", Verdict::Reject)] {
        let list = bytes(&format!("more/{name}.crl"));
        let sources = TrustSources { roots: file(&leaf), crls: file(&list), ..TrustSources::default() };
        assert_eq!(inspect_with("good.cab", &sources).verdict, verdict, "{name}");
    }
}
