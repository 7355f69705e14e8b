//! Parses the parts of a certificate that the checks need.

use jiff::Timestamp;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_1, CONTEXT_2, CONTEXT_3, DerError, INTEGER, OCTET_STRING, OID,
    Reader, SEQUENCE,
};
use crate::facts::{PackageCertificates, SignerFacts};
use crate::hash::hex;

use super::algorithm::SignatureAlgorithm;
use super::public_key::PublicKey;
use crate::budget::Meter;

use super::value::verify_value;
use super::value_fault::ValueFault;
use super::{name, time};

const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
/// `[0]`, `[1]` and `[2]`, primitive.
const KEY_ID: u8 = 0x80;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
/// Bits of the first octet of a key usage (RFC 5280, 4.2.1.3).
const DIGITAL_SIGNATURE: u8 = 0x80;
const NON_REPUDIATION: u8 = 0x40;
const KEY_CERT_SIGN: u8 = 0x04;
/// Policy of extended validation for code signing (CA/Browser Forum).
const EXTENDED_VALIDATION: &[u8] = &[0x67, 0x81, 0x0c, 0x01, 0x03];
/// Maximum length in bytes. One with an RSA key of 16,384 bits and all extensions of public authorities has less than 8 KiB; it is hashed
/// once for each key that might have signed it.
const MAX_LENGTH: usize = 64 * 1024;
/// Maximum number of certificates in a chain; real ones have two to four.
const MAX_CHAIN: usize = 16;
/// Key purposes.
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// A certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    /// The whole certificate in DER.
    pub(crate) der: &'a [u8],
    /// The bytes that the issuer signed, the algorithm, and the signature value.
    signed: (&'a [u8], SignatureAlgorithm<'a>, &'a [u8]),
    /// Serial number, contents of the integer.
    pub(crate) serial: &'a [u8],
    /// Issuer as a DER name.
    pub(crate) issuer: &'a [u8],
    /// Subject as a DER name.
    pub(crate) subject: &'a [u8],
    /// Start of validity.
    pub(crate) not_before: Timestamp,
    /// End of validity.
    pub(crate) not_after: Timestamp,
    /// Public key.
    pub(crate) key: PublicKey<'a>,
    /// Key purposes, if the certificate restricts them.
    purposes: Option<Vec<&'a [u8]>>,
    /// Certificate policies.
    policies: Vec<&'a [u8]>,
    /// First octet of the key usage bits, if the certificate has them.
    key_usage: Option<u8>,
    /// Subject key identifier.
    pub(crate) key_id: Option<&'a [u8]>,
    /// Key identifier of the issuer, as this certificate states it.
    pub(crate) issuer_key_id: Option<&'a [u8]>,
}

fn content(name: &[u8]) -> &[u8] {
    Reader::new(name).expect(SEQUENCE).map(|name| name.value).unwrap_or_default()
}

/// When a DER certificate expires. `None` if it cannot be parsed.
#[must_use]
pub fn certificate_expiry(der: &[u8]) -> Option<Timestamp> {
    Certificate::read(der).ok().map(|certificate| certificate.not_after)
}

impl<'a> Certificate<'a> {
    /// Parses a certificate.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        if der.len() > MAX_LENGTH {
            return Err(DerError("a certificate has more than 64 KiB"));
        }
        let mut certificate = Reader::new(der).inside(SEQUENCE)?;
        let body = certificate.expect(SEQUENCE)?;
        let algorithm = SignatureAlgorithm::read(certificate.inside(SEQUENCE)?)?;
        let value = certificate.expect(BIT_STRING)?.value.get(1..).unwrap_or_default();
        let mut tbs = Reader::new(body.value);
        tbs.optional(CONTEXT_0)?;
        let serial = tbs.expect(INTEGER)?.value;
        tbs.expect(SEQUENCE)?;
        let issuer = tbs.expect(SEQUENCE)?.whole;
        let mut validity = tbs.inside(SEQUENCE)?;
        let subject = tbs.expect(SEQUENCE)?.whole;
        let mut found = Self {
            der,
            signed: (body.whole, algorithm, value),
            serial,
            issuer,
            subject,
            not_before: time::next(&mut validity)?,
            not_after: time::next(&mut validity)?,
            key: PublicKey::read(tbs.inside(SEQUENCE)?)?,
            purposes: None,
            policies: Vec::new(),
            key_usage: None,
            key_id: None,
            issuer_key_id: None,
        };
        // Skip the obsolete unique ids of issuer and subject.
        for tag in [ISSUER_UNIQUE_ID, CONTEXT_1, SUBJECT_UNIQUE_ID, CONTEXT_2] {
            tbs.optional(tag)?;
        }
        if let Some(extensions) = tbs.optional(CONTEXT_3)? {
            for extension in Reader::new(extensions.value).inside(SEQUENCE)?.all(64)? {
                found.extension(Reader::new(extension.value))?;
            }
        }
        Ok(found)
    }

    /// True if the bytes are one element, with nothing after it.
    pub(crate) fn is_exact(der: &[u8]) -> bool {
        let mut reader = Reader::new(der);
        reader.any().is_ok() && reader.is_empty()
    }

    fn extension(&mut self, mut fields: Reader<'a>) -> Result<(), DerError> {
        let id = fields.expect(OID)?.value;
        fields.optional(BOOLEAN)?;
        let mut value = fields.inside(OCTET_STRING)?;
        if id == EXTENDED_KEY_USAGE {
            let purposes = value.inside(SEQUENCE)?.all(64)?;
            self.purposes = Some(purposes.iter().map(|purpose| purpose.value).collect());
        } else if id == CERTIFICATE_POLICIES {
            for policy in value.inside(SEQUENCE)?.all(64)? {
                self.policies.push(Reader::new(policy.value).expect(OID)?.value);
            }
        } else if id == KEY_USAGE {
            self.key_usage = value.expect(BIT_STRING)?.value.get(1).copied().or(Some(0));
        } else if id == SUBJECT_KEY_ID {
            self.key_id = Some(value.expect(OCTET_STRING)?.value);
        } else if id == AUTHORITY_KEY_ID {
            self.issuer_key_id = value.inside(SEQUENCE)?.optional(KEY_ID)?.map(|key| key.value);
        }
        Ok(())
    }

    /// True if the certificate names this purpose, and its key may sign.
    pub(crate) fn is_for(&self, purpose: &[u8]) -> bool {
        let has_purpose = self.purposes.as_ref().is_some_and(|purposes| purposes.contains(&purpose));
        has_purpose && self.key_usage.is_none_or(|bits| bits & (DIGITAL_SIGNATURE | NON_REPUDIATION) != 0)
    }

    /// True if the key usage includes keyCertSign, or is absent (RFC 5280, 4.2.1.3).
    pub(crate) fn may_issue(&self) -> bool {
        self.key_usage.is_none_or(|bits| bits & KEY_CERT_SIGN != 0)
    }

    /// Whether a key signed this certificate; `None` if its algorithm is not supported.
    pub(crate) fn signed_by(&self, key: PublicKey<'_>, meter: &Meter) -> Option<bool> {
        let (message, algorithm, value) = self.signed;
        let hash = algorithm.hash()?;
        if !meter.may_verify() {
            return None;
        }
        match verify_value(key, &algorithm, hash, message, value) {
            Ok(()) => Some(true),
            Err(ValueFault::Bad) => Some(false),
            Err(ValueFault::Unsupported(_)) => None,
        }
    }

    /// The DER name of the issuer without its header.
    pub(crate) fn issuer_content(&self) -> &'a [u8] {
        content(self.issuer)
    }

    /// The DER name of the subject without its header.
    pub(crate) fn subject_content(&self) -> &'a [u8] {
        content(self.subject)
    }

    /// True if issuer and subject have the same name.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// True for an extended-validation certificate.
    pub(crate) fn has_extended_validation(&self) -> bool {
        self.policies.contains(&EXTENDED_VALIDATION)
    }

    /// Common name of the subject, otherwise the whole subject.
    pub(crate) fn name(&self) -> String {
        name::common_name(self.subject).unwrap_or_else(|| name::display(self.subject))
    }

    /// Common name of the issuer, otherwise the whole issuer.
    pub(crate) fn issuer_name(&self) -> String {
        name::common_name(self.issuer).unwrap_or_else(|| name::display(self.issuer))
    }

    /// SHA-1 and SHA-256 of the certificate in hex.
    pub(crate) fn thumbprints(&self) -> [String; 2] {
        [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256].map(|algorithm| hex(digest(algorithm, self.der).as_ref()))
    }

    /// The facts of a signer, without its timestamp.
    pub(crate) fn facts(&self) -> SignerFacts {
        let [thumbprint_sha1, thumbprint_sha256] = self.thumbprints();
        SignerFacts {
            subject: name::display(self.subject),
            name: self.name(),
            issuer: name::display(self.issuer),
            thumbprint_sha1,
            thumbprint_sha256,
            not_before: self.not_before.to_string(),
            not_after: self.not_after.to_string(),
            extended_validation: self.has_extended_validation(),
            timestamp: None,
            timestamp_authority: None,
            certificates: PackageCertificates::default(),
        }
    }

    /// This certificate and those that issued it, as far as `others` contains them.
    pub(crate) fn chain(&self, others: &[Self]) -> Vec<Vec<u8>> {
        let mut chain = vec![self];
        while let Some(last) = chain.last().filter(|last| !last.is_self_issued() && chain.len() < MAX_CHAIN) {
            let is_issuer = |issuer: &&Self| {
                let is_new = chain.iter().all(|certificate| certificate.der != issuer.der);
                // The inspection that trusts the chain verifies its signatures.
                let has_key = last.issuer_key_id.is_none() || last.issuer_key_id == issuer.key_id;
                is_new && issuer.subject == last.issuer && has_key
            };
            let Some(issuer) = others.iter().find(is_issuer) else { break };
            chain.push(issuer);
        }
        chain.into_iter().map(|certificate| certificate.der.to_vec()).collect()
    }
}
