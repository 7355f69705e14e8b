//! Signatures and timestamps with one fault each; `tests/fixtures/stamped/make.py` makes them.

use super::{bytes, checks, policy};
use crate::{Inspection, Kind, Level, PemFile, Policy, Trust, TrustSources, Verdict, inspect_bytes};

const ROOT: &[u8] = include_bytes!("../../tests/fixtures/stamped/root.pem");
const TIMESTAMP_ROOT: &[u8] = include_bytes!("../../tests/fixtures/stamped/tsaroot.pem");

fn inspect_package(package: &[u8]) -> Inspection {
    let sources = TrustSources {
        roots: vec![PemFile { name: "root.pem", bytes: ROOT }],
        timestamp_roots: vec![PemFile { name: "tsaroot.pem", bytes: TIMESTAMP_ROOT }],
        ..TrustSources::default()
    };
    inspect_bytes(package, Kind::Cab, &Policy { signers: Trust::from_pem(&sources).unwrap(), ..policy() })
}

fn inspect_fixture(name: &str) -> Inspection {
    inspect_package(&bytes(&format!("stamped/{name}.cab")))
}

fn messages(inspection: &Inspection) -> String {
    inspection.findings.iter().map(|finding| format!("{}\n", finding.message)).collect()
}

#[test]
fn timestamp_of_another_signature_is_refused() {
    let good = inspect_fixture("stamped");
    assert_eq!((good.verdict, checks(&good, Level::Warn)), (Verdict::Accept, vec![]), "{}", messages(&good));
    let foreign = inspect_fixture("foreign-stamp");
    assert_eq!(
        (foreign.verdict, checks(&foreign, Level::Warn)),
        (Verdict::Reject, vec!["timestamp-invalid"])
    );
    assert!(messages(&foreign).contains("made for another signature"), "{}", messages(&foreign));
    assert_eq!(
        foreign.facts.unwrap().signer.unwrap().timestamp,
        None,
        "the time of a foreign timestamp is not a fact"
    );
}

#[test]
fn counter_signature_is_checked_like_a_timestamp() {
    let good = inspect_fixture("counter-signed");
    assert_eq!((good.verdict, checks(&good, Level::Warn)), (Verdict::Accept, vec![]), "{}", messages(&good));
    let signer = good.facts.unwrap().signer.unwrap();
    assert_eq!(signer.timestamp_authority.as_deref(), Some("Test Stamps"));
    assert!(signer.timestamp.is_some());
    let weak = inspect_fixture("counter-signed-sha1");
    assert_eq!((weak.verdict, checks(&weak, Level::Warn)), (Verdict::Accept, vec!["timestamp-sha1"]));
    let foreign = inspect_fixture("counter-signed-foreign");
    assert_eq!(
        (foreign.verdict, checks(&foreign, Level::Warn)),
        (Verdict::Reject, vec!["timestamp-invalid"])
    );
    // One bit of the authority's signature value.
    let mut broken = bytes("stamped/counter-signed.cab");
    let end = broken.iter().rposition(|byte| *byte != 0).unwrap();
    broken[end - 3] ^= 1;
    let broken = inspect_package(&broken);
    assert_eq!((broken.verdict, checks(&broken, Level::Warn)), (Verdict::Reject, vec!["timestamp-invalid"]));
}

#[test]
fn weak_digest_is_refused_and_undocumented_digest_is_a_warning() {
    let md5 = inspect_fixture("md5");
    assert_eq!(md5.verdict, Verdict::Reject);
    assert!(messages(&md5).contains("signed with MD5"), "{}", messages(&md5));
    let sha1 = inspect_fixture("sha1");
    assert_eq!((sha1.verdict, checks(&sha1, Level::Error)), (Verdict::Reject, vec!["sha1-digest"]));
    let sha384 = inspect_fixture("sha384");
    assert_eq!(
        (sha384.verdict, checks(&sha384, Level::Warn)),
        (Verdict::Accept, vec!["digest-above-sha256"])
    );
}

#[test]
fn test_certificate_is_named_for_any_issuer() {
    let test = inspect_fixture("wdk-by-ca");
    assert_eq!((test.verdict, checks(&test, Level::Error)), (Verdict::Reject, vec!["test-signed"]));
    assert!(messages(&test).contains("WDKTestCert"), "{}", messages(&test));
}
