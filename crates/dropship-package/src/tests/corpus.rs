//! Every package of the corpus gets its verdict and its findings.

use super::{checks, inspect_cab, inspect_hlkx, policy};
use crate::{Level, Verdict};

/// File, verdict, and the expected checks: all warnings and errors of a cabinet; of a kit package, all errors if it is
/// rejected and all warnings if it is accepted.
const CABS: &[(&str, Verdict, &[&str])] = &[
    ("good-signed", Verdict::Accept, &[]),
    ("good-signed-ts", Verdict::Accept, &[]),
    ("good-signed-ec384", Verdict::Accept, &[]),
    ("stored-signed", Verdict::Accept, &[]),
    ("lzx-signed", Verdict::Accept, &[]),
    ("multi", Verdict::Accept, &[]),
    ("utf16", Verdict::Accept, &[]),
    ("ext", Verdict::Accept, &[]),
    ("mixedarch", Verdict::Reject, &["mixed-architectures"]),
    ("noinf", Verdict::Reject, &["no-inf"]),
    ("rootfiles", Verdict::Reject, &["root-files"]),
    ("nopdb", Verdict::Accept, &["pdb-missing"]),
    ("non-ev", Verdict::Accept, &["cert-not-ev"]),
    ("sha1-digest", Verdict::Reject, &["sha1-digest"]),
    ("expired-cert", Verdict::Reject, &["cert-expired"]),
    ("wrong-ca", Verdict::Reject, &["chain-unknown-issuer"]),
    ("test-signed", Verdict::Reject, &["test-signed"]),
    ("tampered-data", Verdict::Reject, &["digest-mismatch"]),
    ("tampered-name", Verdict::Reject, &["digest-mismatch"]),
    ("truncated-data", Verdict::Incomplete, &["truncated"]),
    ("truncated-header", Verdict::Incomplete, &["truncated"]),
    ("unsigned", Verdict::Reject, &["unsigned"]),
    ("not-a-cab", Verdict::Reject, &["not-a-package"]),
];

const HLKXS: &[(&str, Verdict, &[&str])] = &[
    ("good", Verdict::Accept, &[]),
    ("unsigned", Verdict::Reject, &["unsigned"]),
    ("tampered-part", Verdict::Reject, &["digest-mismatch"]),
    ("expired", Verdict::Reject, &["cert-expired"]),
    ("wrong-ca", Verdict::Reject, &["chain-unknown-issuer"]),
    ("truncated", Verdict::Incomplete, &["truncated"]),
    ("added-part", Verdict::Reject, &["uncovered-part"]),
];

#[test]
fn kit_package_gets_its_verdict_and_reason() {
    for (name, verdict, expected) in HLKXS {
        let found = inspect_hlkx(name, &policy());
        assert_eq!(found.verdict, *verdict, "{name}: {:#?}", found.findings);
        let least = if *verdict == Verdict::Accept { Level::Warn } else { Level::Error };
        assert_eq!(checks(&found, least), *expected, "{name}: {:#?}", found.findings);
    }
    let facts = inspect_hlkx("good", &policy()).facts.unwrap();
    assert_eq!(facts.hlkx.unwrap().operating_systems, ["WINDOWS_v100_X64_GE_FULL"]);
    assert_eq!(facts.signer.unwrap().name, "Example Hardware Inc.");
}

#[test]
fn cabinet_gets_its_verdict_and_reason() {
    for (name, verdict, expected) in CABS {
        let found = inspect_cab(name, &policy());
        assert_eq!(found.verdict, *verdict, "{name}: {:#?}", found.findings);
        assert_eq!(checks(&found, Level::Warn), *expected, "{name}: {:#?}", found.findings);
    }
}
