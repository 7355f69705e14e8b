//! One certificate, as far as judging a signature needs it.

use jiff::Timestamp;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::super::der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_1, CONTEXT_3, DerError, INTEGER, OCTET_STRING, OID, Reader,
    SEQUENCE,
};
use super::super::facts::SignerFacts;
use super::super::hash::hex;
use super::algorithm::{Hash, ValueFault, verify_value};
use super::{name, time};

const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
/// Policy of extended validation for code signing (CA/Browser Forum).
const EXTENDED_VALIDATION: &[u8] = &[0x67, 0x81, 0x0c, 0x01, 0x03];
/// Key purposes.
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// A certificate's public key, as ring wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// The `RSAPublicKey`, and the length of its modulus.
    Rsa { der: &'a [u8], bits: usize },
    /// A point on P-256.
    P256(&'a [u8]),
    /// A point on P-384.
    P384(&'a [u8]),
    /// Something else.
    Other,
}

/// A certificate.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    /// All of it.
    pub(crate) der: &'a [u8],
    /// What its issuer signed, the algorithm, and the value.
    signed: (&'a [u8], &'a [u8], &'a [u8]),
    /// Serial number, contents of the integer.
    pub(crate) serial: &'a [u8],
    /// Issuer, all of the name.
    pub(crate) issuer: &'a [u8],
    /// Subject, all of the name.
    pub(crate) subject: &'a [u8],
    /// Start of validity.
    pub(crate) not_before: Timestamp,
    /// End of validity.
    pub(crate) not_after: Timestamp,
    /// Public key.
    pub(crate) key: Key<'a>,
    /// Key purposes, if the certificate names any.
    purposes: Option<Vec<&'a [u8]>>,
    /// Certificate policies.
    policies: Vec<&'a [u8]>,
    /// First octet of the key usage bits, if the certificate has them.
    key_usage: Option<u8>,
    /// Subject key identifier.
    pub(crate) key_id: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut certificate = Reader::new(der).inside(SEQUENCE)?;
        let body = certificate.expect(SEQUENCE)?;
        let algorithm = certificate.inside(SEQUENCE)?.expect(OID)?.value;
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
            key: key(tbs.inside(SEQUENCE)?)?,
            purposes: None,
            policies: Vec::new(),
            key_usage: None,
            key_id: None,
        };
        tbs.optional(0x81)?;
        tbs.optional(CONTEXT_1)?;
        tbs.optional(0xa2)?;
        if let Some(extensions) = tbs.optional(CONTEXT_3)? {
            for extension in Reader::new(extensions.value).inside(SEQUENCE)?.all(64)? {
                found.extension(Reader::new(extension.value))?;
            }
        }
        Ok(found)
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
        }
        Ok(())
    }

    /// True if the certificate names this purpose, and its key may sign.
    pub(crate) fn is_for(&self, purpose: &[u8]) -> bool {
        let named = self.purposes.as_ref().is_some_and(|purposes| purposes.contains(&purpose));
        // Digital signature is the first bit, non-repudiation the second.
        named && self.key_usage.is_none_or(|bits| bits & 0xc0 != 0)
    }

    /// Whether a key signed this certificate; `None` if that cannot be worked out.
    pub(crate) fn signed_by(&self, key: Key<'_>) -> Option<bool> {
        let (message, algorithm, value) = self.signed;
        let hash = Hash::of_signature(algorithm)?;
        match verify_value(key, algorithm, hash, message, value) {
            Ok(()) => Some(true),
            Err(ValueFault::Bad) => Some(false),
            Err(ValueFault::Unsupported(_)) => None,
        }
    }

    /// Issued by itself, by its names.
    pub(crate) fn self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Of extended validation.
    pub(crate) fn extended_validation(&self) -> bool {
        self.policies.contains(&EXTENDED_VALIDATION)
    }

    /// Common name of the subject, else the whole subject.
    pub(crate) fn name(&self) -> String {
        name::common_name(self.subject).unwrap_or_else(|| name::display(self.subject))
    }

    /// Common name of the issuer, else the whole issuer.
    pub(crate) fn issuer_name(&self) -> String {
        name::common_name(self.issuer).unwrap_or_else(|| name::display(self.issuer))
    }

    /// SHA-1 and SHA-256 of the certificate in hex.
    pub(crate) fn thumbprints(&self) -> [String; 2] {
        [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256].map(|algorithm| hex(digest(algorithm, self.der).as_ref()))
    }

    /// What is shown of it.
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
            extended_validation: self.extended_validation(),
            timestamp: None,
            timestamp_authority: None,
        }
    }
}

/// Reads the fields of a `SubjectPublicKeyInfo`.
pub(crate) fn key(mut info: Reader<'_>) -> Result<Key<'_>, DerError> {
    let mut algorithm = info.inside(SEQUENCE)?;
    let id = algorithm.expect(OID)?.value;
    let bits = info.expect(BIT_STRING)?.value;
    let Some((0, key)) = bits.split_first() else {
        return Ok(Key::Other);
    };
    if id == RSA {
        let modulus = Reader::new(key).inside(SEQUENCE)?.expect(INTEGER)?.value;
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        let top = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = modulus.len().saturating_mul(8).saturating_sub(top);
        return Ok(Key::Rsa { der: key, bits });
    }
    if id == EC {
        let curve = algorithm.optional(OID)?.map(|curve| curve.value);
        return Ok(match curve {
            Some(P256) => Key::P256(key),
            Some(P384) => Key::P384(key),
            _ => Key::Other,
        });
    }
    Ok(Key::Other)
}
