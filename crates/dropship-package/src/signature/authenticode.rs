//! An Authenticode signature over a file's digest.

use ring::digest::Digest;

use super::algorithm::{Hash, MD5};
use super::certificate::Certificate;
use super::signed_data::SignedData;
use super::verify::{SignerFault, candidates, verify};
use super::{name, signer, timestamp};
use crate::checks::{Check, Report};
use crate::der::{DerError, OCTET_STRING, OID, Reader, SEQUENCE, Tlv};
use crate::facts::SignerFacts;
use crate::policy::Policy;

const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
/// Data types of a cabinet's digest: `SPC_LINK_OBJID` of Windows' signtool, and `SPC_CAB_DATA_OBJID` of osslsigncode and
/// jsign. Their value, an `SpcLink`, does not describe the file and is not read.
const CABINET: [&[u8]; 2] =
    [&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 28], &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 25]];
/// `SPC_PE_IMAGE_DATA_OBJID` and `SPC_SIPINFO_OBJID`, the data types of other kinds of file.
const PE_IMAGE: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15];
const SIP_INFO: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 30];
const NESTED: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 4, 1];
/// Maximum number of nested signatures that are checked.
const MAX_NESTED: usize = 4;

/// A parsed signature; nothing in it is verified yet.
pub(crate) struct Authenticode<'a> {
    data: SignedData<'a>,
    content: Tlv<'a>,
    certificates: Vec<Certificate<'a>>,
    /// Number of certificates that could not be parsed.
    unreadable: usize,
    digest_oid: &'a [u8],
    digest: &'a [u8],
}

impl<'a> Authenticode<'a> {
    /// Parses a cabinet's signature, which must be in DER.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let data = SignedData::read(der)?;
        let content =
            data.content.filter(|content| content.tag == SEQUENCE && data.content_type == INDIRECT_DATA);
        let content = content.ok_or(DerError("it does not contain a file's digest"))?;
        let mut fields = Reader::new(content.value);
        match fields.inside(SEQUENCE)?.expect(OID)?.value {
            kind if CABINET.contains(&kind) => {}
            PE_IMAGE => return Err(DerError("it is the signature of an executable, not of a cabinet")),
            SIP_INFO => {
                return Err(DerError("it is the signature of a script or an installer, not of a cabinet"));
            }
            _ => return Err(DerError("it is the signature of another kind of file than a cabinet")),
        }
        let mut info = fields.inside(SEQUENCE)?;
        let digest_oid = info.inside(SEQUENCE)?.expect(OID)?.value;
        let digest = info.expect(OCTET_STRING)?.value;
        let certificates: Vec<_> =
            data.certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
        let unreadable = data.certificates.len().saturating_sub(certificates.len());
        Ok(Self { data, content, certificates, unreadable, digest_oid, digest })
    }

    /// The file's digest algorithm, if it is supported.
    pub(crate) fn hash(&self) -> Option<Hash> {
        Hash::of_oid(self.digest_oid)
    }

    /// Signatures nested in this one.
    pub(crate) fn nested(&self) -> Vec<Result<Authenticode<'a>, DerError>> {
        let values = self.data.signer.unsigned_values(NESTED).take(MAX_NESTED);
        values.map(|tlv| Authenticode::read(tlv.whole)).collect()
    }

    /// Checks the signature against the digests of the file, and returns the signer.
    pub(crate) fn check(
        &self,
        report: &mut Report<'_>,
        digests: &[(Hash, Digest)],
        policy: &Policy,
    ) -> Option<SignerFacts> {
        self.check_strength(report);
        if self.matches(digests) == Some(false) {
            let message = "the bytes of the package are not the bytes that were signed: it was damaged or changed after \
                           signing; copy it again, or build and sign it again";
            report.add(Check::DigestMismatch, message);
        }
        let leaf = match verify(
            &self.data.signer,
            &self.certificates,
            INDIRECT_DATA,
            self.content.value,
            report.meter(),
        ) {
            Ok(leaf) => leaf,
            Err(fault) => {
                self.report_fault(report, &fault);
                candidates(&self.data.signer, &self.certificates).next()?
            }
        };
        if self.unreadable > 0 {
            let message =
                "a certificate in the package is damaged and cannot be read; sign the package again";
            report.add(Check::ChainDamaged, message);
        }
        let mut facts = leaf.facts();
        facts.certificates.signer = leaf.chain(&self.certificates);
        signer::check(report, leaf, &self.certificates, policy);
        if let Some(stamp) = timestamp::check(report, &self.data.signer, leaf, &self.certificates, policy) {
            facts.timestamp = Some(stamp.time.to_string());
            facts.timestamp_authority = Some(stamp.authority);
            facts.certificates.timestamp = stamp.certificates;
        }
        Some(facts)
    }

    /// Checks a nested signature, which Microsoft's dashboard is not known to use.
    pub(crate) fn check_nested(&self, report: &mut Report<'_>, digests: &[(Hash, Digest)]) {
        let digest = self.hash().map_or_else(|| name::dotted(self.digest_oid), |hash| hash.name().to_owned());
        match verify(&self.data.signer, &self.certificates, INDIRECT_DATA, self.content.value, report.meter())
        {
            Ok(leaf) if self.matches(digests) == Some(true) => {
                let message = format!(
                    "a second signature by {} with {digest} is nested in the first, and valid",
                    leaf.name()
                );
                report.add(Check::NestedSignature, message);
            }
            outcome => {
                let reason = outcome.map_or_else(
                    |fault| fault.to_string(),
                    |_| "the bytes are not those that it signed".into(),
                );
                let message = format!(
                    "a second signature with {digest} is nested in the first, and not valid: {reason}"
                );
                report.add(Check::NestedSignatureInvalid, message);
            }
        }
    }

    /// Whether the file has the signed digest; `None` if the digest's algorithm is not supported.
    fn matches(&self, digests: &[(Hash, Digest)]) -> Option<bool> {
        let hash = self.hash()?;
        let (_, real) = digests.iter().find(|(other, _)| *other == hash)?;
        Some(real.as_ref() == self.digest)
    }

    /// Checks the digest algorithms of the file and of the signature.
    fn check_strength(&self, report: &mut Report<'_>) {
        let (file, signature) = (self.digest_oid, self.data.signer.digest);
        let is_sha1 = |oid: &[u8]| Hash::of_oid(oid) == Some(Hash::Sha1);
        if Hash::of_oid(file).is_none() {
            let message = match file == MD5 {
                true => {
                    "signed with MD5, which proves nothing; Microsoft requires SHA-256: sign with /fd sha256"
                        .to_owned()
                }
                false => {
                    format!("the file digest ({}) is not supported; sign with /fd sha256", name::dotted(file))
                }
            };
            report.add(Check::SignatureUnsupported, message);
        } else if is_sha1(file) || is_sha1(signature) {
            let message = "signed with SHA-1; Microsoft requires SHA-256: sign with /fd sha256";
            report.add(Check::Sha1Digest, message);
        } else if Hash::of_oid(file) != Some(Hash::Sha256) {
            let name = self.hash().map_or("an unknown digest", Hash::name);
            let message = format!("signed with {name}; Microsoft documents /fd sha256 only");
            report.add(Check::DigestAboveSha256, message);
        }
    }

    fn report_fault(&self, report: &mut Report<'_>, fault: &SignerFault) {
        match fault {
            SignerFault::UnknownDigest(_) | SignerFault::Unsupported(_) => {
                report.add(Check::SignatureUnsupported, format!("the signature cannot be verified: {fault}"));
            }
            SignerFault::NoCertificate if self.unreadable > 0 => {
                let message =
                    "the signer's certificate is damaged and cannot be read; sign the package again";
                report.add(Check::CertMalformed, message);
            }
            _ => report.add(
                Check::SignatureInvalid,
                format!("the signature is not valid: {fault}; sign the package again"),
            ),
        }
    }
}
