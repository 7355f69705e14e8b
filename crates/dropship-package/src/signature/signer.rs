//! Checks of the certificate that signed a package, for every format.

use super::certificate::{CODE_SIGNING, Certificate};
use super::chain;
use super::public_key::PublicKey;
use crate::checks::{Check, Report};
use crate::policy::Policy;
use crate::verdict::Level;

/// Shortest RSA key that Microsoft and every public authority accept.
const RSA_BITS: usize = 2048;
/// Start of the names that the WDK gives to certificates for test signing.
const TEST_CERTIFICATE: &str = "WDKTestCert";

/// Checks the certificate that signed, and its chain.
pub(crate) fn check(
    report: &mut Report<'_>,
    leaf: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    let name = leaf.name();
    let test = name.starts_with(TEST_CERTIFICATE) || leaf.self_issued();
    if test {
        let message = format!(
            "signed with a test certificate ({name}, issued by itself or by the WDK); sign with the certificate that is \
             registered in Partner Center"
        );
        report.say(Check::TestSigned, message);
    }
    dates(report, leaf, policy);
    if !leaf.is_for(CODE_SIGNING) {
        let message = format!("the certificate of {name} is not for code signing; sign with one that is");
        report.say(Check::CertNotCodeSigning, message);
    }
    if let PublicKey::Rsa { bits, .. } = leaf.key
        && bits < RSA_BITS
    {
        let message = format!(
            "the certificate of {name} has an RSA key of {bits} bits; it must have at least {RSA_BITS}; sign with a certificate whose key has"
        );
        report.say(Check::CertWeakKey, message);
    }
    if !test && !leaf.extended_validation() {
        let message = format!(
            "the certificate of {name} is not an EV certificate; Microsoft requires one for attestation unless this one is \
             registered with the account"
        );
        report.say(Check::CertNotEv, message);
    }
    listed(report, leaf, policy);
    // A test certificate has no chain; the finding above is enough unless the operator allows test signatures.
    if !test || report.level(Check::TestSigned) != Level::Error {
        chain::check(report, leaf, certificates, policy);
    }
}

fn dates(report: &mut Report<'_>, leaf: &Certificate<'_>, policy: &Policy) {
    let name = leaf.name();
    if policy.now > leaf.not_after {
        let message = format!(
            "the certificate of {name} expired on {}; it must be valid at submission, whatever the timestamp: \
             sign with a valid certificate",
            leaf.not_after
        );
        report.say(Check::CertExpired, message);
    } else if policy.now < leaf.not_before {
        let message = format!(
            "the certificate of {name} is valid only from {} on; check this machine's clock, or submit later",
            leaf.not_before
        );
        report.say(Check::CertNotYetValid, message);
    }
}

fn listed(report: &mut Report<'_>, leaf: &Certificate<'_>, policy: &Policy) {
    let wanted = &policy.signers.thumbprints;
    let own = leaf.thumbprints();
    if !wanted.is_empty() && !own.iter().any(|thumbprint| wanted.contains(thumbprint)) {
        let message = format!(
            "the certificate of {} (SHA-1 {}) is not one of the thumbprints in [signers]; sign with a listed one, or list it \
             if it is registered in Partner Center",
            leaf.name(),
            own[0]
        );
        report.say(Check::SignerNotListed, message);
    }
}
