//! Checks the certificates in a package: none is damaged, and together they complete the chain.

use rustls_pki_types::CertificateDer;

use crate::checks::{Check, Report};
use crate::policy::Policy;

use super::certificate::{Certificate, TIME_STAMPING};
use super::path::{NoPath, PathSearch};

/// Checks the certificates of a package whose chain is valid.
pub(crate) fn check(
    report: &mut Report<'_>,
    search: &PathSearch<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    if !report_damaged(report, certificates, policy) {
        check_sufficient(report, search, certificates, policy);
    }
}

/// Reports certificates in the package whose signature does not match the issuer's key that they name.
///
/// An authority can renew its key under the same name, and packages can contain cross certificates between both keys. A
/// certificate without the key identifier of its issuer is therefore skipped: its issuer's key may be unknown.
fn report_damaged(report: &mut Report<'_>, certificates: &[Certificate<'_>], policy: &Policy) -> bool {
    let trust = &policy.signers;
    let policy_certificates =
        [&trust.roots.certificates, &trust.timestamp_roots.certificates, &trust.intermediates];
    let policy_certificates: Vec<_> =
        policy_certificates.into_iter().flatten().filter_map(|der| Certificate::read(der).ok()).collect();
    let mut is_any_damaged = false;
    for certificate in certificates {
        let Some(key_id) = certificate.issuer_key_id else { continue };
        let issuers = certificates.iter().chain(&policy_certificates);
        let issuers =
            issuers.filter(|issuer| issuer.subject == certificate.issuer && issuer.key_id == Some(key_id));
        let mut outcomes = issuers.map(|issuer| certificate.signed_by(issuer.key, report.meter())).peekable();
        if outcomes.peek().is_some() && outcomes.all(|outcome| outcome == Some(false)) {
            let message = format!(
                "the certificate of {} in the package is damaged: its issuer did not sign it; sign the package again",
                certificate.name()
            );
            report.add(Check::ChainDamaged, message);
            is_any_damaged = true;
        }
    }
    is_any_damaged
}

/// A package that contains issuers' certificates must contain all that its chain needs: Microsoft does not have the
/// intermediates of the policy.
fn check_sufficient(
    report: &mut Report<'_>,
    search: &PathSearch<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    let included =
        certificates.iter().filter(|other| other.der != search.leaf.der && !other.is_for(TIME_STAMPING));
    let included: Vec<_> = included.map(|certificate| CertificateDer::from(certificate.der)).collect();
    let package_only = PathSearch {
        leaf: search.leaf,
        through: &included,
        at: search.at,
        purpose: search.purpose,
        meter: search.meter,
    };
    if !included.is_empty()
        && let Err(error) = package_only.run(&policy.signers.roots, &[], false)
    {
        let reason = match error {
            NoPath::Invalid(error) => error.to_string(),
            NoPath::MayNotIssue(name) => format!("{name} may not issue certificates"),
        };
        let message = format!(
            "the chain of {} is valid only with the intermediates of {}, not with the certificates in the package ({reason}): \
             Microsoft may not find a chain; sign the package again with its issuers' certificates",
            search.leaf.name(),
            policy.signers.name()
        );
        report.add(Check::ChainOwnCertificates, message);
    }
}
