//! ECDSA on the NIST curves P-256, P-384 and P-521, with SHA-256 to SHA-512.
//!
//! ring verifies P-256 and P-384 with SHA-256 and SHA-384. Authenticode also allows P-521, and SHA-512 on the smaller curves
//! (FIPS 186-5, 6.4 allows any approved digest with any curve); the crates of `RustCrypto` verify those.

use ring::signature as verifier;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

use crate::der::{INTEGER, Reader, SEQUENCE};

use super::algorithm::Hash;
use super::public_key::Curve;
use super::value_fault::ValueFault;

/// Encoding of a signature's two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureEncoding {
    /// A DER sequence of two integers (RFC 3279, 2.2.3).
    Der,
    /// One after the other, each as long as the curve's field (XML signatures, IEEE P1363).
    Fixed,
}

/// Verifies an ECDSA signature.
pub(crate) fn verify(
    curve: Curve,
    hash: Hash,
    form: SignatureEncoding,
    point: &[u8],
    message: &[u8],
    value: &[u8],
) -> Result<(), ValueFault> {
    if hash == Hash::Sha1 {
        return Err(ValueFault::Unsupported("ECDSA with SHA-1".to_owned()));
    }
    if let Some(algorithm) = of_ring(curve, hash, form) {
        return UnparsedPublicKey::new(algorithm, point).verify(message, value).map_err(|_| ValueFault::Bad);
    }
    let value = match form {
        SignatureEncoding::Der => fixed(curve, value).ok_or(ValueFault::Bad)?,
        SignatureEncoding::Fixed => value.to_vec(),
    };
    let number = leftmost(curve, hash.of(message).as_ref());
    let verified = match curve {
        Curve::P256 => with_p256(point, &number, &value),
        Curve::P384 => with_p384(point, &number, &value),
        Curve::P521 => with_p521(point, &number, &value),
    };
    verified.map_err(|_| ValueFault::Bad)
}

fn of_ring(curve: Curve, hash: Hash, form: SignatureEncoding) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, hash, form) {
        (Curve::P256, Hash::Sha256, SignatureEncoding::Der) => &verifier::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384, SignatureEncoding::Der) => &verifier::ECDSA_P256_SHA384_ASN1,
        (Curve::P384, Hash::Sha256, SignatureEncoding::Der) => &verifier::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384, SignatureEncoding::Der) => &verifier::ECDSA_P384_SHA384_ASN1,
        (Curve::P256, Hash::Sha256, SignatureEncoding::Fixed) => &verifier::ECDSA_P256_SHA256_FIXED,
        (Curve::P384, Hash::Sha384, SignatureEncoding::Fixed) => &verifier::ECDSA_P384_SHA384_FIXED,
        _ => return None,
    })
}

/// Length of a number of the curve's field in octets.
fn field(curve: Curve) -> usize {
    match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
    }
}

/// The leftmost octets of a digest, up to the length of the field; a shorter digest is padded with leading zeros.
fn leftmost(curve: Curve, digest: &[u8]) -> Vec<u8> {
    let length = field(curve);
    let prefix = digest.get(..length).unwrap_or(digest);
    let mut number = vec![0; length.saturating_sub(prefix.len())];
    number.extend_from_slice(prefix);
    number
}

/// Converts a DER signature to the fixed form.
fn fixed(curve: Curve, der: &[u8]) -> Option<Vec<u8>> {
    let mut outer = Reader::new(der);
    let mut numbers = outer.inside(SEQUENCE).ok()?;
    let mut value = Vec::new();
    for _ in 0..2 {
        let number = numbers.expect(INTEGER).ok()?.value;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        value.resize(value.len().saturating_add(field(curve).checked_sub(number.len())?), 0);
        value.extend_from_slice(number);
    }
    (numbers.is_empty() && outer.is_empty()).then_some(value)
}

macro_rules! verify_with {
    ($name:ident, $curve:ident) => {
        fn $name(point: &[u8], number: &[u8], value: &[u8]) -> Result<(), $curve::ecdsa::Error> {
            use $curve::ecdsa::signature::hazmat::PrehashVerifier;
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(point)?;
            key.verify_prehash(number, &$curve::ecdsa::Signature::from_slice(value)?)
        }
    };
}

verify_with!(with_p256, p256);
verify_with!(with_p384, p384);
verify_with!(with_p521, p521);

/// Pairs of curve and digest that webpki does not support, for chains with certificates that use them.
pub(crate) const FOR_CHAINS: &[&dyn SignatureVerificationAlgorithm] = &[
    &ForChains { curve: Curve::P256, hash: Hash::Sha512 },
    &ForChains { curve: Curve::P384, hash: Hash::Sha512 },
    &ForChains { curve: Curve::P521, hash: Hash::Sha256 },
    &ForChains { curve: Curve::P521, hash: Hash::Sha384 },
    &ForChains { curve: Curve::P521, hash: Hash::Sha512 },
];

#[derive(Debug)]
struct ForChains {
    curve: Curve,
    hash: Hash,
}

impl SignatureVerificationAlgorithm for ForChains {
    fn verify_signature(&self, key: &[u8], message: &[u8], value: &[u8]) -> Result<(), InvalidSignature> {
        verify(self.curve, self.hash, SignatureEncoding::Der, key, message, value)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.curve {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
            Curve::P521 => alg_id::ECDSA_P521,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.hash {
            Hash::Sha512 => alg_id::ECDSA_SHA512,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha256 | Hash::Sha1 => alg_id::ECDSA_SHA256,
        }
    }
}
