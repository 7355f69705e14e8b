//! Algorithms by object identifier.

use ring::digest;
use ring::signature as verifier;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};

use super::certificate::Key;

/// A digest algorithm that can be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the contents of its object identifier.
    pub(crate) fn of_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(Self::Sha1),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01] => Some(Self::Sha256),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02] => Some(Self::Sha384),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03] => Some(Self::Sha512),
            _ => None,
        }
    }

    /// By the object identifier of a signature algorithm that names its digest.
    pub(crate) fn of_signature(oid: &[u8]) -> Option<Self> {
        match (oid.strip_prefix(PKCS1), oid.strip_prefix(ECDSA)) {
            (Some([5]), _) | (_, Some([1])) => Some(Self::Sha1),
            (Some([11]), _) | (_, Some([3, 2])) => Some(Self::Sha256),
            (Some([12]), _) | (_, Some([3, 3])) => Some(Self::Sha384),
            (Some([13]), _) | (_, Some([3, 4])) => Some(Self::Sha512),
            _ => None,
        }
    }

    /// For ring.
    pub(crate) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    /// For people.
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

/// MD5, which is known to be refused.
pub(crate) const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
/// The arcs of RSA and of ECDSA signatures.
const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// Last octet of id-RSASSA-PSS.
const PSS: u8 = 10;

/// Why a signature value does not verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueFault {
    /// It does not fit the key and the message.
    Bad,
    /// The combination of algorithms is not known here.
    Unsupported(String),
}

/// Verifies a signature value with a key.
pub(crate) fn verify_value(
    key: Key<'_>,
    signature_oid: &[u8],
    hash: Hash,
    message: &[u8],
    value: &[u8],
) -> Result<(), ValueFault> {
    let (algorithm, key) = match key {
        Key::Rsa { der, .. } => (rsa(signature_oid, hash)?, der),
        Key::P256(point) => (ecdsa(signature_oid, hash, false)?, point),
        Key::P384(point) => (ecdsa(signature_oid, hash, true)?, point),
        Key::Other => {
            return Err(ValueFault::Unsupported("a key that is neither RSA, P-256 nor P-384".into()));
        }
    };
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(message, value).map_err(|_| ValueFault::Bad)
}

/// The verifier of an RSA signature. Short keys and SHA-1 are let through here so that they can be
/// named; policy refuses them.
fn rsa(oid: &[u8], hash: Hash) -> Result<&'static dyn VerificationAlgorithm, ValueFault> {
    let unsupported = || ValueFault::Unsupported(format!("RSA with {} by an unknown scheme", hash.name()));
    let scheme = oid.strip_prefix(PKCS1).ok_or_else(unsupported)?;
    let pss = scheme == [PSS];
    if !pss && !matches!(scheme, [1 | 5 | 11..=13]) {
        return Err(unsupported());
    }
    Ok(match (hash, pss) {
        (Hash::Sha1, false) => &verifier::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Hash::Sha256, false) => &verifier::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Hash::Sha384, false) => &verifier::RSA_PKCS1_2048_8192_SHA384,
        (Hash::Sha512, false) => &verifier::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Hash::Sha1, true) => return Err(unsupported()),
        (Hash::Sha256, true) => &verifier::RSA_PSS_2048_8192_SHA256,
        (Hash::Sha384, true) => &verifier::RSA_PSS_2048_8192_SHA384,
        (Hash::Sha512, true) => &verifier::RSA_PSS_2048_8192_SHA512,
    })
}

/// The verifier of an ECDSA signature.
fn ecdsa(oid: &[u8], hash: Hash, p384: bool) -> Result<&'static dyn VerificationAlgorithm, ValueFault> {
    let known = oid.starts_with(ECDSA) || oid == EC_PUBLIC_KEY;
    Ok(match (known, hash, p384) {
        (true, Hash::Sha256, false) => &verifier::ECDSA_P256_SHA256_ASN1,
        (true, Hash::Sha384, false) => &verifier::ECDSA_P256_SHA384_ASN1,
        (true, Hash::Sha256, true) => &verifier::ECDSA_P384_SHA256_ASN1,
        (true, Hash::Sha384, true) => &verifier::ECDSA_P384_SHA384_ASN1,
        _ => return Err(ValueFault::Unsupported(format!("ECDSA with {}", hash.name()))),
    })
}
