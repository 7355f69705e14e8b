//! Verifies a signature value with a key.

use ring::signature as verifier;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};

use super::algorithm::{Hash, Pss, SignatureAlgorithm, SignatureScheme};
use super::ecdsa::{self, SignatureEncoding};
use super::name::dotted;
use super::public_key::PublicKey;
use super::value_fault::ValueFault;

/// Supported keys and algorithms, for messages.
pub(crate) const SUPPORTED: &str = "supported are RSA (PKCS #1, and PSS with one digest throughout and a salt of its length) and \
     ECDSA on P-256, P-384 and P-521";

/// Verifies a signature value with a key.
pub(crate) fn verify_value(
    key: PublicKey<'_>,
    algorithm: &SignatureAlgorithm<'_>,
    hash: Hash,
    message: &[u8],
    value: &[u8],
) -> Result<(), ValueFault> {
    if let PublicKey::Other { .. } = key {
        return Err(ValueFault::Unsupported(key.describe()));
    }
    let Some(scheme) = algorithm.scheme() else {
        let message = format!("the signature algorithm {}", dotted(algorithm.oid));
        return Err(ValueFault::Unsupported(message));
    };
    match (key, scheme) {
        (PublicKey::Rsa { der, .. }, SignatureScheme::Pkcs1) => rsa(der, pkcs1(hash), message, value),
        (PublicKey::Rsa { der, .. }, SignatureScheme::Pss(parameters)) => {
            rsa(der, pss(hash, parameters)?, message, value)
        }
        (PublicKey::Ec { curve, point }, SignatureScheme::Ecdsa) => {
            ecdsa::verify(curve, hash, SignatureEncoding::Der, point, message, value)
        }
        (key, _) => {
            let message =
                format!("the signature algorithm {}, with {}", dotted(algorithm.oid), key.describe());
            Err(ValueFault::Unsupported(message))
        }
    }
}

/// Verifies a PKCS #1 signature of a format that implies this scheme.
pub(crate) fn verify_pkcs1(
    key: PublicKey<'_>,
    hash: Hash,
    message: &[u8],
    value: &[u8],
) -> Result<(), ValueFault> {
    match key {
        PublicKey::Rsa { der, .. } => rsa(der, pkcs1(hash), message, value),
        other => {
            Err(ValueFault::Unsupported(format!("an RSA signature algorithm, with {}", other.describe())))
        }
    }
}

fn rsa(
    key: &[u8],
    algorithm: &'static dyn VerificationAlgorithm,
    message: &[u8],
    value: &[u8],
) -> Result<(), ValueFault> {
    UnparsedPublicKey::new(algorithm, key).verify(message, value).map_err(|_| ValueFault::Bad)
}

/// The verifier of PKCS #1. It accepts short keys and SHA-1, so that the checks that refuse them can name them.
fn pkcs1(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha1 => &verifier::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &verifier::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Hash::Sha384 => &verifier::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &verifier::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    }
}

/// The verifier of PSS with the parameters that RFC 4055 recommends: one digest throughout, and a salt of its length.
fn pss(hash: Hash, parameters: Pss) -> Result<&'static dyn VerificationAlgorithm, ValueFault> {
    let length = hash.algorithm().output_len();
    if parameters.hash != Some(hash) || parameters.mask_hash != Some(hash) || parameters.salt != length {
        let digest = |hash: Option<Hash>| hash.map_or("another digest", Hash::name);
        let message = format!(
            "RSA-PSS over {} with MGF1 over {} and a salt of {} octets",
            digest(parameters.hash),
            digest(parameters.mask_hash),
            parameters.salt
        );
        return Err(ValueFault::Unsupported(message));
    }
    Ok(match hash {
        Hash::Sha1 => return Err(ValueFault::Unsupported("RSA-PSS with SHA-1".to_owned())),
        Hash::Sha256 => &verifier::RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => &verifier::RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => &verifier::RSA_PSS_2048_8192_SHA512,
    })
}
