//! Parses PKCS #7 signed data: Authenticode signatures and RFC 3161 tokens.

use crate::der::{CONTEXT_0, CONTEXT_1, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv};

use super::algorithm::SignatureAlgorithm;

/// Maximum length of the signed attributes in bytes; tools write some hundreds. They are hashed once for each certificate that might have
/// signed them.
const MAX_ATTRIBUTES: usize = 64 * 1024;
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// Maximum number of certificates, attributes, and values of an attribute.
pub(super) const MAX_ELEMENTS: usize = 64;

/// Signed data with its one signer.
#[derive(Debug, Clone)]
pub(crate) struct SignedData<'a> {
    /// Type of the content.
    pub(crate) content_type: &'a [u8],
    /// The content; absent if detached.
    pub(crate) content: Option<Tlv<'a>>,
    /// Certificates in any order; duplicates occur.
    pub(crate) certificates: Vec<&'a [u8]>,
    /// The signer.
    pub(crate) signer: SignerInfo<'a>,
}

/// One signer.
#[derive(Debug, Clone)]
pub(crate) struct SignerInfo<'a> {
    /// The signer's certificate.
    pub(crate) id: SignerId<'a>,
    /// Digest algorithm, by its object identifier.
    pub(crate) digest: &'a [u8],
    /// The signed attributes as encoded in the message.
    pub(crate) signed: Tlv<'a>,
    /// The signed attributes, one by one.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// Signature algorithm.
    pub(crate) algorithm: SignatureAlgorithm<'a>,
    /// The signature value.
    pub(crate) value: &'a [u8],
    /// Unsigned attributes: timestamps, nested signatures.
    pub(crate) unsigned: Vec<Attribute<'a>>,
}

/// How a signer identifies its certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SignerId<'a> {
    /// By issuer and serial number.
    Issuer { name: &'a [u8], serial: &'a [u8] },
    /// By key identifier.
    Key(&'a [u8]),
}

/// An attribute with its values.
#[derive(Debug, Clone)]
pub(crate) struct Attribute<'a> {
    /// Its type.
    pub(crate) id: &'a [u8],
    /// Its values.
    pub(crate) values: Vec<Tlv<'a>>,
}

impl<'a> SignedData<'a> {
    /// Reads a `ContentInfo` that holds signed data.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut info = Reader::new(der).inside(SEQUENCE)?;
        if info.expect(OID)?.value != SIGNED_DATA {
            return Err(DerError("it is not signed data"));
        }
        let mut data = info.inside(CONTEXT_0)?.inside(SEQUENCE)?;
        data.expect(INTEGER)?;
        data.expect(SET)?;
        let mut encapsulated = data.inside(SEQUENCE)?;
        let content_type = encapsulated.expect(OID)?.value;
        let content = match encapsulated.optional(CONTEXT_0)? {
            Some(explicit) => Some(Reader::new(explicit.value).any()?),
            None => None,
        };
        let certificates = match data.optional(CONTEXT_0)? {
            // Attribute certificates and other forms have other tags, and are not part of a chain.
            Some(set) => {
                let all = Reader::new(set.value).all(MAX_ELEMENTS)?;
                all.iter().filter(|tlv| tlv.tag == SEQUENCE).map(|tlv| tlv.whole).collect()
            }
            None => Vec::new(),
        };
        data.optional(CONTEXT_1)?;
        let signers = data.inside(SET)?.all(MAX_ELEMENTS)?;
        let [signer] = signers.as_slice() else {
            return Err(DerError("it does not have exactly one signer"));
        };
        let signer = SignerInfo::read(*signer)?;
        Ok(Self { content_type, content, certificates, signer })
    }
}

impl<'a> SignerInfo<'a> {
    /// Reads a `SignerInfo`.
    pub(crate) fn read(tlv: Tlv<'a>) -> Result<Self, DerError> {
        if tlv.tag != SEQUENCE {
            return Err(DerError("a signer is not a sequence"));
        }
        let mut fields = Reader::new(tlv.value);
        fields.expect(INTEGER)?;
        let id = fields.any()?;
        let id = match id.tag {
            SEQUENCE => {
                let mut pair = Reader::new(id.value);
                SignerId::Issuer { name: pair.expect(SEQUENCE)?.whole, serial: pair.expect(INTEGER)?.value }
            }
            0x80 => SignerId::Key(id.value),
            _ => return Err(DerError("a signer's certificate is named in an unknown way")),
        };
        let digest = fields.inside(SEQUENCE)?.expect(OID)?.value;
        let signed = fields.optional(CONTEXT_0)?.ok_or(DerError("a signer has no signed attributes"))?;
        if signed.whole.len() > MAX_ATTRIBUTES {
            return Err(DerError("a signer has more than 64 KiB of signed attributes"));
        }
        let algorithm = SignatureAlgorithm::read(fields.inside(SEQUENCE)?)?;
        let value = fields.expect(OCTET_STRING)?.value;
        let unsigned = match fields.optional(CONTEXT_1)? {
            Some(set) => attributes(set)?,
            None => Vec::new(),
        };
        if !fields.is_empty() {
            return Err(DerError("something follows the last field of a signer"));
        }
        Ok(Self { id, digest, signed, attributes: attributes(signed)?, algorithm, value, unsigned })
    }

    /// The value of a signed attribute; `None` unless it has exactly one.
    pub(crate) fn attribute(&self, id: &[u8]) -> Option<Tlv<'a>> {
        let mut found = self.attributes.iter().filter(|attribute| attribute.id == id);
        match (found.next(), found.next()) {
            (Some(attribute), None) => match attribute.values.as_slice() {
                [value] => Some(*value),
                _ => None,
            },
            _ => None,
        }
    }

    /// All values of the unsigned attributes of a type.
    pub(crate) fn unsigned_values(&self, id: &[u8]) -> impl Iterator<Item = Tlv<'a>> {
        let found = self.unsigned.iter().filter(move |attribute| attribute.id == id);
        found.flat_map(|attribute| attribute.values.iter().copied())
    }
}

fn attributes(set: Tlv<'_>) -> Result<Vec<Attribute<'_>>, DerError> {
    let mut found = Vec::new();
    for attribute in Reader::new(set.value).all(MAX_ELEMENTS)? {
        let mut fields = Reader::new(attribute.value);
        found.push(Attribute {
            id: fields.expect(OID)?.value,
            values: fields.inside(SET)?.all(MAX_ELEMENTS)?,
        });
    }
    Ok(found)
}
