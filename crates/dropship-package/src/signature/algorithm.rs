//! Digest and signature algorithms by object identifier.

use ring::digest;

use crate::der::{CONTEXT_0, CONTEXT_1, CONTEXT_2, DerError, INTEGER, OID, Reader, SEQUENCE, Tlv};

/// A supported digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Finds the algorithm by the contents of an object identifier.
    pub(crate) fn of_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(Self::Sha1),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => Some(Self::Sha256),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => Some(Self::Sha384),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The algorithm in ring.
    pub(crate) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// The name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The digest of some bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> digest::Digest {
        digest::digest(self.algorithm(), bytes)
    }
}

/// MD5, so that the message that refuses it can name it.
pub(crate) const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
/// Prefixes of the identifiers of RSA and ECDSA signatures.
const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];

/// An `AlgorithmIdentifier` of a signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignatureAlgorithm<'a> {
    /// Its object identifier.
    pub(crate) oid: &'a [u8],
    parameters: Option<Tlv<'a>>,
}

/// How a signature value is computed from a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS.
    Pss(Pss),
    /// ECDSA.
    Ecdsa,
}

/// Parameters of RSASSA-PSS (RFC 4055, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pss {
    /// Digest of the message; `None` if it is not supported.
    pub(crate) hash: Option<Hash>,
    /// Digest of the mask generation function MGF1; `None` if the digest or the function is not supported.
    pub(crate) mask_hash: Option<Hash>,
    /// Length of the salt in octets.
    pub(crate) salt: usize,
}

impl<'a> SignatureAlgorithm<'a> {
    /// Reads the fields of an `AlgorithmIdentifier`.
    pub(crate) fn read(mut fields: Reader<'a>) -> Result<Self, DerError> {
        let oid = fields.expect(OID)?.value;
        let parameters = if fields.is_empty() { None } else { Some(fields.any()?) };
        Ok(Self { oid, parameters })
    }

    /// The scheme; `None` if it is not supported.
    pub(crate) fn scheme(&self) -> Option<SignatureScheme> {
        match self.oid.strip_prefix(PKCS1) {
            Some([1 | 5 | 11..=13]) => return Some(SignatureScheme::Pkcs1),
            Some([10]) => return pss(self.parameters).ok().map(SignatureScheme::Pss),
            _ => {}
        }
        (self.oid.starts_with(ECDSA) || self.oid == EC_PUBLIC_KEY).then_some(SignatureScheme::Ecdsa)
    }

    /// The digest that the algorithm's identifier implies. Signed data names its digest in a separate field.
    pub(crate) fn hash(&self) -> Option<Hash> {
        match (self.oid.strip_prefix(PKCS1), self.oid.strip_prefix(ECDSA)) {
            (Some([10]), _) => pss(self.parameters).ok()?.hash,
            (Some([5]), _) | (_, Some([1])) => Some(Hash::Sha1),
            (Some([11]), _) | (_, Some([3, 2])) => Some(Hash::Sha256),
            (Some([12]), _) | (_, Some([3, 3])) => Some(Hash::Sha384),
            (Some([13]), _) | (_, Some([3, 4])) => Some(Hash::Sha512),
            _ => None,
        }
    }
}

/// Reads `RSASSA-PSS-params`; absent fields have the defaults of RFC 4055.
fn pss(parameters: Option<Tlv<'_>>) -> Result<Pss, DerError> {
    let mut found = Pss { hash: Some(Hash::Sha1), mask_hash: Some(Hash::Sha1), salt: 20 };
    let Some(parameters) = parameters.filter(|parameters| parameters.tag == SEQUENCE) else {
        return Ok(found);
    };
    let mut fields = Reader::new(parameters.value);
    let hash = |mut identifier: Reader<'_>| Ok::<_, DerError>(Hash::of_oid(identifier.expect(OID)?.value));
    if let Some(field) = fields.optional(CONTEXT_0)? {
        found.hash = hash(Reader::new(field.value).inside(SEQUENCE)?)?;
    }
    if let Some(field) = fields.optional(CONTEXT_1)? {
        let mut function = Reader::new(field.value).inside(SEQUENCE)?;
        found.mask_hash = match function.expect(OID)?.value {
            MGF1 => hash(function.inside(SEQUENCE)?)?,
            _ => None,
        };
    }
    if let Some(field) = fields.optional(CONTEXT_2)? {
        let octets = Reader::new(field.value).expect(INTEGER)?.value;
        let number = octets.iter().try_fold(0usize, |sum, octet| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(*octet)))
        });
        found.salt = number.ok_or(DerError("a salt is too long"))?;
    }
    Ok(found)
}
