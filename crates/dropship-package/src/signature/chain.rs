//! Does a certificate's chain end at a root of the operator's?

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};

use super::super::checks::{Check, Report};
use super::super::der::Reader;
use super::super::policy::Policy;
use super::certificate::{CODE_SIGNING, Certificate, Key, TIME_STAMPING, key};

/// A search for a path from a leaf to one of some roots.
pub(crate) struct Search<'s> {
    /// Where it starts.
    pub(crate) leaf: &'s Certificate<'s>,
    /// Certificates that it may lead through: those of the package, then the operator's.
    pub(crate) through: &'s [CertificateDer<'s>],
    /// The time that all of it must be valid at.
    pub(crate) at: Timestamp,
    /// The purpose that it must be good for, where a certificate names purposes.
    pub(crate) purpose: &'static [u8],
}

impl Search<'_> {
    /// Looks for a path; with revocation lists, one that none of them revokes, and when `strict`
    /// one that fresh lists cover from end to end.
    pub(crate) fn run(
        &self,
        roots: &[TrustAnchor<'static>],
        lists: &[&CertRevocationList<'_>],
        strict: bool,
    ) -> Result<(), Error> {
        let der = CertificateDer::from(self.leaf.der);
        let leaf = EndEntityCert::try_from(&der)?;
        let revocation = RevocationOptionsBuilder::new(lists).ok().map(|builder| {
            let (status, expiration) = if strict {
                (UnknownStatusPolicy::Deny, ExpirationPolicy::Enforce)
            } else {
                (UnknownStatusPolicy::Allow, ExpirationPolicy::Ignore)
            };
            builder.with_status_policy(status).with_expiration_policy(expiration).build()
        });
        let seconds = u64::try_from(self.at.as_second()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::required_if_present(self.purpose);
        let found =
            leaf.verify_for_usage(ALL_VERIFICATION_ALGS, roots, self.through, at, usage, revocation, None);
        found.map(|_path| ())
    }
}

/// The certificates that a path may lead through.
pub(crate) fn through<'a>(
    certificates: &'a [Certificate<'_>],
    policy: &'a Policy,
) -> Vec<CertificateDer<'a>> {
    let own = certificates.iter().map(|certificate| CertificateDer::from(certificate.der));
    own.chain(policy.signers.intermediates.iter().map(|der| CertificateDer::from(der.as_ref()))).collect()
}

/// Judges the chain of the certificate that signed a package, now.
pub(crate) fn judge(
    report: &mut Report<'_>,
    leaf: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) {
    let trust = &policy.signers;
    if trust.roots.is_empty() {
        if trust.thumbprints.is_empty() {
            let message =
                "no roots and no thumbprints in [signers]: not judged whether this signer is one of yours";
            report.say(Check::ChainNotChecked, message);
        }
        return;
    }
    let through = through(certificates, policy);
    // The leaf's own dates are a check of their own; do not let them hide what the chain is like.
    let at = policy.now.clamp(leaf.not_before.min(leaf.not_after), leaf.not_after);
    let search = Search { leaf, through: &through, at, purpose: CODE_SIGNING };
    if let Err(error) = search.run(&trust.roots, &[], false) {
        // The leaf's own purpose is a check of its own, too.
        if matches!(error, Error::RequiredEkuNotFoundContext(_)) && !leaf.is_for(CODE_SIGNING) {
            return;
        }
        let (check, message) = explain(&error, leaf);
        return report.say(check, message);
    }
    if !damaged(report, certificates, policy) {
        own(report, &search, certificates, policy);
    }
    let lists: Vec<&CertRevocationList<'_>> = trust.crls.iter().map(AsRef::as_ref).collect();
    if lists.is_empty() {
        let message =
            "revocation was not checked: nothing is asked online; give CRL files in [signers] to check it";
        return report.say(Check::RevocationNotChecked, message);
    }
    // A list that covers a part of the chain, or is a little old, still revokes what it revokes.
    let outcome = search.run(&trust.roots, &lists, false);
    match outcome.and_then(|()| search.run(&trust.roots, &lists, true)) {
        Ok(()) => {}
        Err(Error::CertRevoked) => {
            let message = format!(
                "the certificate of {} or one that issued it is revoked; sign with another certificate",
                leaf.name()
            );
            report.say(Check::CertRevoked, message);
        }
        Err(Error::UnknownRevocationStatus) => {
            let message = "revocation was not checked for the whole chain: no CRL in [signers] covers all of its certificates";
            report.say(Check::RevocationNotChecked, message);
        }
        Err(error) => {
            let message = format!(
                "a CRL in [signers] cannot be used ({error}): revocation was not checked; bring a fresh one"
            );
            report.say(Check::CrlUnusable, message);
        }
    }
}

/// Reports certificates of the package that their issuers, where these are known, did not sign.
fn damaged(report: &mut Report<'_>, certificates: &[Certificate<'_>], policy: &Policy) -> bool {
    let trust = &policy.signers;
    let given: Vec<_> = trust.intermediates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let anchors = trust.roots.iter().chain(&trust.timestamp_roots);
    let anchors =
        anchors.map(|anchor| (&*anchor.subject, key(Reader::new(&anchor.subject_public_key_info)).ok()));
    let others = certificates.iter().chain(&given);
    let others = others.map(|other| (contents(other.subject), Some(other.key)));
    let issuers: Vec<(&[u8], Key<'_>)> =
        anchors.chain(others).filter_map(|(name, key)| Some((name, key?))).collect();
    let mut any = false;
    for certificate in certificates {
        let known = issuers.iter().filter(|(name, _)| *name == contents(certificate.issuer));
        let outcomes: Vec<_> = known.map(|(_, key)| certificate.signed_by(*key)).collect();
        if !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Some(false)) {
            let message = format!(
                "the certificate of {} in the package is damaged; sign the package anew",
                certificate.name()
            );
            report.say(Check::ChainDamaged, message);
            any = true;
        }
    }
    any
}

/// The contents of a name without its tag and length, as trust anchors hold it.
fn contents(name: &[u8]) -> &[u8] {
    Reader::new(name).any().map_or(name, |tlv| tlv.value)
}

/// A package that brings certificates of its own must hold by them too: Microsoft has no others.
fn own(report: &mut Report<'_>, search: &Search<'_>, certificates: &[Certificate<'_>], policy: &Policy) {
    let brought =
        certificates.iter().filter(|other| other.der != search.leaf.der && !other.is_for(TIME_STAMPING));
    let brought: Vec<_> = brought.map(|certificate| CertificateDer::from(certificate.der)).collect();
    let alone = Search { leaf: search.leaf, through: &brought, at: search.at, purpose: search.purpose };
    if !brought.is_empty()
        && let Err(error) = alone.run(&policy.signers.roots, &[], false)
    {
        let message = format!(
            "the chain of {} holds only by the intermediates of [signers], not by the certificates in the package ({error}): \
             Microsoft may not find a chain: sign the package anew with its issuers' certificates",
            search.leaf.name()
        );
        report.say(Check::ChainOwnCertificates, message);
    }
}

/// Puts a failed search into words.
fn explain(error: &Error, leaf: &Certificate<'_>) -> (Check, String) {
    let (name, issuer) = (leaf.name(), leaf.issuer_name());
    match error {
        Error::UnknownIssuer => (
            Check::ChainUnknownIssuer,
            format!(
                "the chain of {name} (issued by {issuer}) does not end at a root of [signers]; \
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
                 Microsoft wants SHA-2 certificates"
            ),
        ),
        Error::RequiredEkuNotFoundContext(_) => (
            Check::ChainInvalid,
            format!(
                "a certificate that issued {name} is not for code signing; sign with a code-signing certificate"
            ),
        ),
        _ => (
            Check::ChainInvalid,
            format!(
                "the chain of {name} (issued by {issuer}) does not hold: {error}; the package's certificates are damaged or misused"
            ),
        ),
    }
}
