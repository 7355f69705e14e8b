//! PKCS #7 signed data of any shape: Authenticode signatures, and timestamp tokens.

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;

use super::super::kits::certificate::{SEQUENCE, der, name, oid};
use super::super::kits::signer::{ISSUER, KitSigner};

const SET: u8 = 0x31;
const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
pub const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4];
const TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 2, 14];

/// Makes unsigned attributes from a signature value.
type Unsigned<'s> = dyn Fn(&[u8]) -> Vec<Vec<u8>> + 's;

/// What is signed, and what is added to it.
pub struct SignedData<'s> {
    pub signer: &'s KitSigner,
    /// Issuer and serial number of the certificate that signs.
    pub issuer: Vec<u8>,
    pub serial: Vec<u8>,
    pub certificates: Vec<Vec<u8>>,
    /// Signed attributes besides the two that are needed.
    pub attributes: Vec<Vec<u8>>,
    /// Unsigned attributes, made from the signature value.
    pub unsigned: Box<Unsigned<'s>>,
    /// How often the signer is listed.
    pub signers: usize,
}

impl<'s> SignedData<'s> {
    /// Signed by the certificate of the signer.
    pub fn of(signer: &'s KitSigner) -> Self {
        Self {
            signer,
            issuer: name(ISSUER),
            serial: vec![1],
            certificates: vec![signer.certificate.clone()],
            attributes: Vec::new(),
            unsigned: Box::new(|_| Vec::new()),
            signers: 1,
        }
    }

    /// The signature of a cabinet with this digest.
    pub fn of_cabinet(&self, digest: &[u8]) -> Vec<u8> {
        let link = der(SEQUENCE, &[&oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 25])]);
        let algorithm = der(SEQUENCE, &[&oid(SHA256_OID), &[5, 0]]);
        let info = der(SEQUENCE, &[&algorithm, &der(4, &[digest])]);
        let content = [link, info].concat();
        self.bytes(INDIRECT_DATA, &der(SEQUENCE, &[&content]), &content)
    }

    /// An unsigned attribute with a timestamp token over a signature value.
    pub fn token(&self, stamped: &[u8]) -> Vec<u8> {
        let algorithm = der(SEQUENCE, &[&oid(SHA256_OID), &[5, 0]]);
        let imprint = der(SEQUENCE, &[&algorithm, &der(4, &[digest(&SHA256, stamped).as_ref()])]);
        let info = der(
            SEQUENCE,
            &[
                &der(2, &[&[1]]),
                &oid(&[0x2a, 3]),
                &imprint,
                &der(2, &[&[9]]),
                &der(0x18, &[b"20260101000000Z"]),
            ],
        );
        attribute(TOKEN, &[self.bytes(TST_INFO, &der(4, &[&info]), &info)])
    }

    fn bytes(&self, content_type: &[u8], content: &[u8], digested: &[u8]) -> Vec<u8> {
        let algorithm = der(SEQUENCE, &[&oid(SHA256_OID), &[5, 0]]);
        let digested = digest(&SHA256, digested);
        let mut attributes = vec![
            attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3], &[oid(content_type)]),
            attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4], &[der(4, &[digested.as_ref()])]),
        ];
        attributes.extend(self.attributes.iter().cloned());
        let attributes = attributes.concat();
        let fixed = self.signer.key.sign(&SystemRandom::new(), &der(SET, &[&attributes])).expect("signed");
        let value = der(SEQUENCE, &[&integer(&fixed.as_ref()[..32]), &integer(&fixed.as_ref()[32..])]);
        let ecdsa = der(SEQUENCE, &[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
        let id = der(SEQUENCE, &[&self.issuer, &der(2, &[&self.serial])]);
        let unsigned = (self.unsigned)(&value).concat();
        let unsigned = if unsigned.is_empty() { Vec::new() } else { der(0xa1, &[&unsigned]) };
        let parts: [&[u8]; 7] = [
            &der(2, &[&[1]]),
            &id,
            &algorithm,
            &der(0xa0, &[&attributes]),
            &ecdsa,
            &der(4, &[&value]),
            &unsigned,
        ];
        let signers = der(SEQUENCE, &parts).repeat(self.signers);
        let encapsulated = der(SEQUENCE, &[&oid(content_type), &der(0xa0, &[content])]);
        let data = der(
            SEQUENCE,
            &[
                &der(2, &[&[1]]),
                &der(SET, &[&algorithm]),
                &encapsulated,
                &der(0xa0, &[&self.certificates.concat()]),
                &der(SET, &[&signers]),
            ],
        );
        der(SEQUENCE, &[&oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]), &der(0xa0, &[&data])])
    }
}

/// An attribute with these values.
pub fn attribute(kind: &[u8], values: &[Vec<u8>]) -> Vec<u8> {
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    der(SEQUENCE, &[&oid(kind), &der(SET, &values)])
}

/// A positive integer.
fn integer(octets: &[u8]) -> Vec<u8> {
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    let octets = &octets[skip.min(octets.len() - 1)..];
    let sign: &[u8] = if octets[0] >= 0x80 { &[0] } else { &[] };
    der(2, &[sign, octets])
}
