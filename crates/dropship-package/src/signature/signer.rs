//! Checks the certificate that signed a package of any format.

use super::certificate::{CODE_SIGNING, Certificate};
use super::chain;
use super::public_key::PublicKey;
use crate::checks::{Check, Report};
use crate::policy::Policy;
use crate::verdict::Level;

/// Minimum length of an RSA key in bits for Microsoft and every public authority.
const RSA_BITS: usize = 2048;
/// Prefix of the names of the WDK's certificates for test signing.
const TEST_CERTIFICATE: &str = "WDKTestCert";

/// Checks the certificate that signed, and its chain.
pub(crate) fn check(
    report: &mut Report<'_>,
    leaf: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    let name = leaf.name();
    let is_test = name.starts_with(TEST_CERTIFICATE) || leaf.is_self_issued();
    if is_test {
        let message = format!(
            "signed with a test certificate ({name}, self-signed or issued by the WDK); sign with the certificate that is \
             registered in Partner Center"
        );
        report.add(Check::TestSigned, message);
    }
    check_dates(report, leaf, policy);
    if !leaf.is_for(CODE_SIGNING) {
        let message = format!("the certificate of {name} is not for code signing; sign with one that is");
        report.add(Check::CertNotCodeSigning, message);
    }
    if let PublicKey::Rsa { bits, .. } = leaf.key
        && bits < RSA_BITS
    {
        let message = format!(
            "the certificate of {name} has an RSA key of {bits} bits; it must have at least {RSA_BITS}; sign with a certificate whose key has"
        );
        report.add(Check::CertWeakKey, message);
    }
    if !is_test && !leaf.has_extended_validation() {
        let message = format!(
            "the certificate of {name} is not an EV certificate; Microsoft requires one for attestation unless this one is \
             registered with the account"
        );
        report.add(Check::CertNotEv, message);
    }
    check_listed(report, leaf, policy);
    // A test certificate has no chain; the finding above is enough unless the policy allows test signatures.
    if !is_test || report.level(Check::TestSigned) != Level::Error {
        chain::check(report, leaf, certificates, policy);
    }
}

fn check_dates(report: &mut Report<'_>, leaf: &Certificate<'_>, policy: &Policy) {
    let name = leaf.name();
    if policy.now > leaf.not_after {
        let message = format!(
            "the certificate of {name} expired on {}; it must be valid at submission, also with a timestamp: \
             sign with a valid certificate",
            leaf.not_after
        );
        report.add(Check::CertExpired, message);
    } else if policy.now < leaf.not_before {
        let message = format!(
            "the certificate of {name} is valid only from {} on; check this machine's clock, or submit later",
            leaf.not_before
        );
        report.add(Check::CertNotYetValid, message);
    }
}

fn check_listed(report: &mut Report<'_>, leaf: &Certificate<'_>, policy: &Policy) {
    let listed = &policy.signers.thumbprints;
    let thumbprints = leaf.thumbprints();
    if !listed.is_empty() && !thumbprints.iter().any(|thumbprint| listed.contains(thumbprint)) {
        let message = format!(
            "the certificate of {} (SHA-1 {}) is not one of the thumbprints in {}; sign with a listed one, or list it \
             if it is registered in Partner Center",
            leaf.name(),
            thumbprints[0],
            policy.signers.name()
        );
        report.add(Check::SignerNotListed, message);
    }
}
