//! Searches for a certificate path with webpki.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, UnixTime,
};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};

use crate::budget::{Meter, WorkKind};
use crate::policy::Policy;
use crate::trust::TrustedRoots;

use super::certificate::{CODE_SIGNING, Certificate};
use super::{ecdsa, issuers};

/// A search for a path from a leaf certificate to a root.
pub(crate) struct PathSearch<'s> {
    /// The certificate at the start of the path.
    pub(crate) leaf: &'s Certificate<'s>,
    /// Possible intermediates: certificates of the package, then those of the policy.
    pub(crate) through: &'s [CertificateDer<'s>],
    /// Time at which every certificate of the path must be valid.
    pub(crate) at: Timestamp,
    /// Key purpose that every certificate of the path must allow, if it restricts purposes.
    pub(crate) purpose: &'static [u8],
    /// Counts the certificates that the search tries, and the signature values that it verifies.
    pub(crate) meter: &'s Meter,
}

/// A verifier that counts.
#[derive(Debug)]
struct CountingVerifier<'s> {
    verifier: &'static dyn SignatureVerificationAlgorithm,
    meter: &'s Meter,
}

impl SignatureVerificationAlgorithm for CountingVerifier<'_> {
    fn verify_signature(&self, key: &[u8], message: &[u8], value: &[u8]) -> Result<(), InvalidSignature> {
        if self.meter.may_verify() {
            self.verifier.verify_signature(key, message, value)
        } else {
            Err(InvalidSignature)
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.verifier.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.verifier.signature_alg_id()
    }
}

/// Why there is no path.
#[derive(Debug)]
pub(crate) enum NoPath {
    /// webpki found none.
    Invalid(Error),
    /// The certificate with this name would complete a path, but its key usage does not include keyCertSign.
    MayNotIssue(String),
}

impl PathSearch<'_> {
    /// Looks for a path that none of the revocation lists revokes. If `is_strict`, current lists must cover the whole path.
    pub(crate) fn run(
        &self,
        roots: &TrustedRoots,
        lists: &[&CertRevocationList<'_>],
        is_strict: bool,
    ) -> Result<(), NoPath> {
        // webpki looks for the issuer of a leaf. A signer that the policy lists as a root is the whole path.
        if self.purpose == CODE_SIGNING
            && roots.listed_signers.iter().any(|der| der.as_ref() == self.leaf.der)
        {
            return self.revocation_of_leaf(lists, is_strict);
        }
        // webpki checks that an issuer is an authority, but not that its key usage includes keyCertSign.
        let refused = RefCell::new(None);
        let check_issuers = |path: &VerifiedPath<'_>| match issuer_without_key_cert_sign(path, roots) {
            None => Ok(()),
            Some(name) => {
                refused.replace(Some(name));
                // webpki returns the most specific error of all paths; this is the least specific one.
                Err(Error::UnknownIssuer)
            }
        };
        let Err(error) = self.find(roots, lists, is_strict, &check_issuers) else {
            return Ok(());
        };
        match refused.into_inner() {
            Some(name) if matches!(error, Error::UnknownIssuer) => Err(NoPath::MayNotIssue(name)),
            _ => Err(NoPath::Invalid(error)),
        }
    }

    /// Whether the lists revoke the leaf alone. A list of its issuer revokes it; no list covers it, because the issuer's certificate,
    /// which signed the list, is unknown.
    fn revocation_of_leaf(&self, lists: &[&CertRevocationList<'_>], is_strict: bool) -> Result<(), NoPath> {
        let issuer = self.leaf.issuer_content();
        for list in lists.iter().filter(|list| list.issuer() == issuer) {
            if list.find_serial(self.leaf.serial).map_err(NoPath::Invalid)?.is_some() {
                return Err(NoPath::Invalid(Error::CertRevoked));
            }
        }
        let is_covered = lists.is_empty() || !is_strict;
        if is_covered { Ok(()) } else { Err(NoPath::Invalid(Error::UnknownRevocationStatus)) }
    }

    fn find(
        &self,
        roots: &TrustedRoots,
        lists: &[&CertRevocationList<'_>],
        is_strict: bool,
        accept: &dyn Fn(&VerifiedPath<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let through = issuers::of(self.leaf, self.through);
        // webpki tries all paths. It counts them, but not what each of them costs, and takes no signal to end.
        if self.meter.charge(WorkKind::Tried, issuers::tries(self.leaf, &through)).is_err() {
            return Err(Error::MaximumPathBuildCallsExceeded);
        }
        let through: Vec<_> = through.into_iter().map(|issuer| issuer.der).collect();
        let der = CertificateDer::from(self.leaf.der);
        let leaf = EndEntityCert::try_from(&der)?;
        let revocation = RevocationOptionsBuilder::new(lists).ok().map(|builder| {
            let (status, expiration) = if is_strict {
                (UnknownStatusPolicy::Deny, ExpirationPolicy::Enforce)
            } else {
                (UnknownStatusPolicy::Allow, ExpirationPolicy::Ignore)
            };
            builder.with_status_policy(status).with_expiration_policy(expiration).build()
        });
        let seconds = u64::try_from(self.at.as_second()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let usage = KeyUsage::required_if_present(self.purpose);
        let verifiers = ALL_VERIFICATION_ALGS.iter().chain(ecdsa::FOR_CHAINS);
        let verifiers: Vec<_> =
            verifiers.map(|verifier| CountingVerifier { verifier: *verifier, meter: self.meter }).collect();
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
            verifiers.iter().map(|counted| counted as &dyn SignatureVerificationAlgorithm).collect();
        leaf.verify_for_usage(&algorithms, &roots.anchors, &through, at, usage, revocation, Some(accept))?;
        Ok(())
    }
}

/// Name of the first issuer of a path whose key usage does not include keyCertSign.
fn issuer_without_key_cert_sign(path: &VerifiedPath<'_>, roots: &TrustedRoots) -> Option<String> {
    let root = roots.anchors.iter().zip(&roots.certificates).find(|(anchor, _)| *anchor == path.anchor());
    let issuers = path.intermediate_certificates().map(|issuer| issuer.der());
    for der in issuers.chain(root.map(|(_, der)| CertificateDer::from(der.as_ref()))) {
        // An issuer that this reader cannot parse was parsed by webpki, and has no key usage to check.
        if let Ok(issuer) = Certificate::read(&der)
            && !issuer.may_issue()
        {
            return Some(issuer.name());
        }
    }
    None
}

/// The possible intermediates of a path.
pub(crate) fn through<'a>(
    certificates: &'a [Certificate<'_>],
    policy: &'a Policy,
) -> Vec<CertificateDer<'a>> {
    let package_certificates = certificates.iter().map(|certificate| CertificateDer::from(certificate.der));
    package_certificates
        .chain(policy.signers.intermediates.iter().map(|der| CertificateDer::from(der.as_ref())))
        .collect()
}
