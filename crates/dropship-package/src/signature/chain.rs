//! Checks that a certificate's chain ends at a trusted root.

use webpki::{CertRevocationList, Error};

use crate::checks::{Check, Report};
use crate::policy::Policy;

use super::certificate::{CODE_SIGNING, Certificate};
use super::package_certificates;
use super::path::{NoPath, PathSearch, through};

/// Checks the chain of the certificate that signed a package, at the time of the policy.
pub(crate) fn check(
    report: &mut Report<'_>,
    leaf: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    let trust = &policy.signers;
    if trust.roots.anchors.is_empty() {
        if trust.thumbprints.is_empty() {
            let message = format!(
                "{} has no roots and no thumbprints, so the signer was not checked; add the roots that you trust",
                trust.name()
            );
            report.add(Check::ChainNotChecked, message);
        }
        return;
    }
    let through = through(certificates, policy);
    // The leaf's dates have their own check, and must not hide faults of its chain.
    let at = policy.now.clamp(leaf.not_before.min(leaf.not_after), leaf.not_after);
    let search = PathSearch { leaf, through: &through, at, purpose: CODE_SIGNING, meter: report.meter() };
    if let Err(error) = search.run(&trust.roots, &[], false) {
        // The leaf's purpose has its own check too.
        if matches!(error, NoPath::Invalid(Error::RequiredEkuNotFoundContext(_)))
            && !leaf.is_for(CODE_SIGNING)
        {
            return;
        }
        let (check, message) = explain(&error, leaf, trust.name());
        return report.add(check, message);
    }
    package_certificates::check(report, &search, certificates, policy);
    check_revocation(report, &search, policy);
}

/// Checks a valid chain against the revocation lists.
fn check_revocation(report: &mut Report<'_>, search: &PathSearch<'_>, policy: &Policy) {
    let trust = &policy.signers;
    let lists: Vec<&CertRevocationList<'_>> = trust.crls.iter().map(AsRef::as_ref).collect();
    if lists.is_empty() {
        let message = format!(
            "revocation was not checked: nothing is looked up online; name CRL files in {} to check it",
            trust.name()
        );
        return report.add(Check::RevocationNotChecked, message);
    }
    // The first search finds revoked certificates even if a list is out of date or covers only a part of the chain.
    let outcome = search.run(&trust.roots, &lists, false);
    match outcome.and_then(|()| search.run(&trust.roots, &lists, true)) {
        Ok(()) => {}
        Err(NoPath::Invalid(Error::CertRevoked)) => {
            let message = format!(
                "the certificate of {} or one that issued it is revoked; sign with another certificate",
                search.leaf.name()
            );
            report.add(Check::CertRevoked, message);
        }
        Err(NoPath::Invalid(Error::UnknownRevocationStatus)) => {
            let message = format!(
                "revocation was not checked for the whole chain: no CRL in {} covers all of its certificates",
                trust.name()
            );
            report.add(Check::RevocationNotChecked, message);
        }
        // The same search without lists succeeded, so the lists are at fault.
        Err(error) => {
            let reason = match error {
                NoPath::Invalid(error) => error.to_string(),
                NoPath::MayNotIssue(name) => format!("it covers the chain only by way of {name}"),
            };
            let message = format!(
                "a CRL in {} cannot be used ({reason}): revocation was not checked; download it again",
                trust.name()
            );
            report.add(Check::CrlUnusable, message);
        }
    }
}

/// The check and the message of a failed search.
fn explain(error: &NoPath, leaf: &Certificate<'_>, trust: &str) -> (Check, String) {
    let (name, issuer) = (leaf.name(), leaf.issuer_name());
    let error = match error {
        NoPath::Invalid(error) => error,
        NoPath::MayNotIssue(authority) => {
            let message = format!(
                "the certificate of {authority}, which issued the chain of {name}, may not issue certificates: its key usage \
                 lacks keyCertSign; sign with a certificate whose issuers may, or have the authority renew its certificate"
            );
            return (Check::ChainIssuerUsage, message);
        }
    };
    match error {
        Error::UnknownIssuer => (
            Check::ChainUnknownIssuer,
            format!(
                "the chain of {name} (issued by {issuer}) does not end at a root of {trust}; \
                 if this issuer is yours, add its root, and its certificate to intermediates if the package leaves it out"
            ),
        ),
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => (
            Check::ChainExpired,
            format!(
                "a certificate that issued {name} is not valid at this time; sign with a certificate whose issuers are"
            ),
        ),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => (
            Check::ChainSha1,
            format!(
                "a certificate in the chain of {name} is signed with an algorithm that is not accepted (SHA-1, MD5 or a short key); \
                 sign with a certificate of a SHA-2 chain"
            ),
        ),
        Error::RequiredEkuNotFoundContext(_) => (
            Check::ChainInvalid,
            format!(
                "a certificate that issued {name} is not for code signing; sign with a code-signing certificate"
            ),
        ),
        Error::InvalidSignatureForPublicKey => (
            Check::ChainInvalid,
            format!(
                "the chain of {name} (issued by {issuer}) is not valid: a certificate names an issuer in {trust}, \
                 but another key signed it; if the authority has renewed its key, add its new certificate to {trust}, \
                 otherwise a certificate in the package is damaged: sign the package again"
            ),
        ),
        _ => (
            Check::ChainInvalid,
            format!(
                "the chain of {name} (issued by {issuer}) is not valid: {error}; sign with a certificate whose chain is valid"
            ),
        ),
    }
}
