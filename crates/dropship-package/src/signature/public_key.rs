//! The public key of a certificate.

use crate::der::{BIT_STRING, DerError, INTEGER, OID, Reader, SEQUENCE};

use super::name::dotted;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublicKey<'a> {
    /// The `RSAPublicKey` in DER, and the length of its modulus.
    Rsa { der: &'a [u8], bits: usize },
    /// An uncompressed point (SEC 1) on a curve.
    Ec { curve: Curve, point: &'a [u8] },
    /// A key of an unsupported kind, by the object identifiers of its algorithm and curve.
    Other { algorithm: &'a [u8], curve: Option<&'a [u8]> },
}

/// An elliptic curve of NIST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn of_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Some(Self::P256),
            [0x2b, 0x81, 0x04, 0x00, 0x22] => Some(Self::P384),
            [0x2b, 0x81, 0x04, 0x00, 0x23] => Some(Self::P521),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }
}

impl<'a> PublicKey<'a> {
    /// Reads the fields of a `SubjectPublicKeyInfo`.
    pub(crate) fn read(mut info: Reader<'a>) -> Result<Self, DerError> {
        let mut identifier = info.inside(SEQUENCE)?;
        let algorithm = identifier.expect(OID)?.value;
        let bits = info.expect(BIT_STRING)?.value;
        // The first octet is the number of unused bits, which is 0 for every key.
        let Some((0, key)) = bits.split_first() else {
            return Ok(Self::Other { algorithm, curve: None });
        };
        if algorithm == RSA || algorithm == RSA_PSS {
            let modulus = Reader::new(key).inside(SEQUENCE)?.expect(INTEGER)?.value;
            let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
            let top = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
            let bits = modulus.len().saturating_mul(8).saturating_sub(top);
            return Ok(Self::Rsa { der: key, bits });
        }
        let curve_oid =
            if algorithm == EC { identifier.optional(OID)?.map(|curve| curve.value) } else { None };
        Ok(match curve_oid.and_then(Curve::of_oid) {
            Some(curve) => Self::Ec { curve, point: key },
            None => Self::Other { algorithm, curve: curve_oid },
        })
    }

    /// Describes the key for messages: `an ECDSA key on P-256`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Rsa { bits, .. } => format!("an RSA key of {bits} bits"),
            Self::Ec { curve, .. } => format!("an ECDSA key on {}", curve.name()),
            Self::Other { curve: Some(curve), .. } => format!("an ECDSA key on the curve {}", dotted(curve)),
            Self::Other { algorithm, .. } => match *algorithm {
                ED25519 => "an Ed25519 key".to_owned(),
                ED448 => "an Ed448 key".to_owned(),
                DSA => "a DSA key".to_owned(),
                EC => "an ECDSA key without a named curve".to_owned(),
                other => format!("a key of the algorithm {}", dotted(other)),
            },
        }
    }
}
