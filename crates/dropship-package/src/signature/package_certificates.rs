//! Checks of the certificates in a package: none is damaged, and they suffice for the chain.

use rustls_pki_types::CertificateDer;

use crate::checks::{Check, Report};
use crate::policy::Policy;

use super::certificate::{Certificate, TIME_STAMPING};
use super::path::{NoPath, Search};

/// Checks the certificates of a package whose chain is valid.
pub(crate) fn check(
    report: &mut Report<'_>,
    search: &Search<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    if !damaged(report, certificates, policy) {
        suffice(report, search, certificates, policy);
    }
}

/// Reports certificates of the package that the key which they name as their issuer's did not sign.
///
/// Authorities renew their keys under the same name, and packages bring cross certificates between the old and the new
/// one. Without the key identifier of its issuer, a certificate may be signed by a key that is not known here.
fn damaged(report: &mut Report<'_>, certificates: &[Certificate<'_>], policy: &Policy) -> bool {
    let trust = &policy.signers;
    let known = [&trust.roots.certificates, &trust.timestamp_roots.certificates, &trust.intermediates];
    let known: Vec<_> = known.into_iter().flatten().filter_map(|der| Certificate::read(der).ok()).collect();
    let mut any = false;
    for certificate in certificates {
        let Some(key_id) = certificate.issuer_key_id else { continue };
        let issuers = certificates.iter().chain(&known);
        let issuers =
            issuers.filter(|issuer| issuer.subject == certificate.issuer && issuer.key_id == Some(key_id));
        let outcomes: Vec<_> = issuers.map(|issuer| certificate.signed_by(issuer.key)).collect();
        if !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Some(false)) {
            let message = format!(
                "the certificate of {} in the package is damaged: its issuer did not sign it; sign the package again",
                certificate.name()
            );
            report.say(Check::ChainDamaged, message);
            any = true;
        }
    }
    any
}

/// A package with issuers' certificates must have all that its chain needs: Microsoft does not have the operator's
/// intermediates.
fn suffice(report: &mut Report<'_>, search: &Search<'_>, certificates: &[Certificate<'_>], policy: &Policy) {
    let brought =
        certificates.iter().filter(|other| other.der != search.leaf.der && !other.is_for(TIME_STAMPING));
    let brought: Vec<_> = brought.map(|certificate| CertificateDer::from(certificate.der)).collect();
    let alone = Search { leaf: search.leaf, through: &brought, at: search.at, purpose: search.purpose };
    if !brought.is_empty()
        && let Err(error) = alone.run(&policy.signers.roots, &[], false)
    {
        let reason = match error {
            NoPath::Invalid(error) => error.to_string(),
            NoPath::MayNotIssue(name) => format!("{name} may not issue certificates"),
        };
        let message = format!(
            "the chain of {} is valid only with the intermediates of [signers], not with the certificates in the package ({reason}): \
             Microsoft may not find a chain; sign the package again with its issuers' certificates",
            search.leaf.name()
        );
        report.say(Check::ChainOwnCertificates, message);
    }
}
