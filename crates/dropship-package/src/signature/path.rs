//! The search for a certificate path, by webpki.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use crate::policy::Policy;
use crate::trust::Roots;

use super::certificate::Certificate;
use super::ecdsa;

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

/// Why there is no path.
#[derive(Debug)]
pub(crate) enum NoPath {
    /// webpki finds none.
    Invalid(Error),
    /// The certificate of this name would complete one, but its key usage does not allow it to issue certificates.
    MayNotIssue(String),
}

impl Search<'_> {
    /// Looks for a path; with revocation lists, one that none of them revokes, and when `strict`
    /// one that fresh lists cover from end to end.
    pub(crate) fn run(
        &self,
        roots: &Roots,
        lists: &[&CertRevocationList<'_>],
        strict: bool,
    ) -> Result<(), NoPath> {
        // webpki checks who is an authority, but not whether the key usage of an authority lets it issue.
        let refused = RefCell::new(None);
        let may_issue = |path: &VerifiedPath<'_>| match issuer_that_may_not(path, roots) {
            None => Ok(()),
            Some(name) => {
                refused.replace(Some(name));
                // Of all errors the one that others take precedence over.
                Err(Error::UnknownIssuer)
            }
        };
        let Err(error) = self.paths(roots, lists, strict, &may_issue) else {
            return Ok(());
        };
        match refused.into_inner() {
            Some(name) if matches!(error, Error::UnknownIssuer) => Err(NoPath::MayNotIssue(name)),
            _ => Err(NoPath::Invalid(error)),
        }
    }

    fn paths(
        &self,
        roots: &Roots,
        lists: &[&CertRevocationList<'_>],
        strict: bool,
        accept: &dyn Fn(&VerifiedPath<'_>) -> Result<(), Error>,
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
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
            ALL_VERIFICATION_ALGS.iter().chain(ecdsa::FOR_CHAINS).copied().collect();
        leaf.verify_for_usage(
            &algorithms,
            &roots.anchors,
            self.through,
            at,
            usage,
            revocation,
            Some(accept),
        )?;
        Ok(())
    }
}

/// The first certificate of a path whose key usage does not let it issue certificates, by its name.
fn issuer_that_may_not(path: &VerifiedPath<'_>, roots: &Roots) -> Option<String> {
    let root = roots.anchors.iter().zip(&roots.certificates).find(|(anchor, _)| *anchor == path.anchor());
    let issuers = path.intermediate_certificates().map(|issuer| issuer.der());
    for der in issuers.chain(root.map(|(_, der)| CertificateDer::from(der.as_ref()))) {
        // One that cannot be read here has been read by webpki, and has no key usage to check.
        if let Ok(issuer) = Certificate::read(&der)
            && !issuer.may_issue()
        {
            return Some(issuer.name());
        }
    }
    None
}

/// The certificates that a path may lead through.
pub(crate) fn through<'a>(
    certificates: &'a [Certificate<'_>],
    policy: &'a Policy,
) -> Vec<CertificateDer<'a>> {
    let own = certificates.iter().map(|certificate| CertificateDer::from(certificate.der));
    own.chain(policy.signers.intermediates.iter().map(|der| CertificateDer::from(der.as_ref()))).collect()
}
