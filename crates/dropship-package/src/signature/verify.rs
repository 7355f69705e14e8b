//! Verifies a signer of signed data: content, attributes and signature value.

use crate::der::{OCTET_STRING, OID, Reader, SET, Tlv};

use crate::budget::Meter;

use super::algorithm::Hash;
use super::certificate::Certificate;
use super::signed_data::{MAX_ELEMENTS, SignerId, SignerInfo};
use super::value::{SUPPORTED, verify_value};
use super::value_fault::ValueFault;

const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];

/// Why a signer cannot be verified, as a clause for a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignerFault {
    #[error("the certificate of the signer is not in the package")]
    NoCertificate,
    #[error("its digest algorithm {0} is not known")]
    UnknownDigest(String),
    #[error("it signs another type of content than it contains")]
    ContentType,
    #[error("the content is not the one that was signed")]
    Content,
    #[error("the signature value does not match the certificate's key")]
    Value,
    #[error("it was made with {0}, which is not supported; {SUPPORTED}")]
    Unsupported(String),
}

/// The certificates that match the signer's identifier.
pub(crate) fn candidates<'c, 'a>(
    signer: &SignerInfo<'a>,
    certificates: &'c [Certificate<'a>],
) -> impl Iterator<Item = &'c Certificate<'a>> {
    let id = signer.id;
    certificates.iter().filter(move |certificate| match id {
        SignerId::Issuer { name, serial } => certificate.issuer == name && certificate.serial == serial,
        SignerId::Key(key) => certificate.key_id == Some(key),
    })
}

/// The signer's digest algorithm.
pub(crate) fn hash(signer: &SignerInfo<'_>) -> Result<Hash, SignerFault> {
    Hash::of_oid(signer.digest).ok_or_else(|| SignerFault::UnknownDigest(super::name::dotted(signer.digest)))
}

/// Verifies that one of the certificates signed the content's octets as the given type, and returns that certificate.
pub(crate) fn verify<'c, 'a>(
    signer: &SignerInfo<'a>,
    certificates: &'c [Certificate<'a>],
    content_type: &[u8],
    content: &[u8],
    meter: &Meter,
) -> Result<&'c Certificate<'a>, SignerFault> {
    let hash = hash(signer)?;
    let signed_type = signer.attribute(CONTENT_TYPE).filter(|value| value.tag == OID);
    if signed_type.is_none_or(|value| value.value != content_type) {
        return Err(SignerFault::ContentType);
    }
    let digest = signer.attribute(MESSAGE_DIGEST).filter(|value| value.tag == OCTET_STRING);
    if digest.is_none_or(|value| value.value != hash.of(content).as_ref()) {
        return Err(SignerFault::Content);
    }
    let mut fault = SignerFault::NoCertificate;
    for message in signed_messages(signer.signed) {
        for certificate in candidates(signer, certificates) {
            if !meter.may_verify() {
                return Err(SignerFault::Value);
            }
            match verify_value(certificate.key, &signer.algorithm, hash, &message, signer.value) {
                Ok(()) => return Ok(certificate),
                Err(ValueFault::Bad) => fault = SignerFault::Value,
                Err(ValueFault::Unsupported(method)) => fault = SignerFault::Unsupported(method),
            }
        }
    }
    Err(fault)
}

/// The possible messages of the signature value: the attributes with the tag of a set instead of the field's. The first
/// message has them as written, which Windows and OpenSSL verify. If that is not DER, a second one has them sorted, as
/// RFC 5652 (5.4) requires.
fn signed_messages(attributes: Tlv<'_>) -> Vec<Vec<u8>> {
    let mut written = attributes.whole.to_vec();
    if let Some(tag) = written.first_mut() {
        *tag = SET;
    }
    let header = attributes.whole.len().saturating_sub(attributes.value.len());
    let mut sorted = written.get(..header).unwrap_or_default().to_vec();
    let mut elements = Reader::new(attributes.value).all(MAX_ELEMENTS).unwrap_or_default();
    elements.sort_unstable_by_key(|element| element.whole);
    elements.iter().for_each(|element| sorted.extend_from_slice(element.whole));
    if sorted.len() != written.len() || sorted == written { vec![written] } else { vec![written, sorted] }
}
