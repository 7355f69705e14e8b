//! Certificates in DER. They have no signature value: one is trusted because it is listed.

/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;

/// An element in DER.
pub fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let octets = u32::try_from(length).expect("short").to_be_bytes();
    let mut out = vec![tag];
    match octets {
        [0, 0, 0, short @ 0..0x80] => out.push(short),
        [0, 0, 0, ..] => out.extend([0x81, octets[3]]),
        [0, 0, ..] => out.extend([0x82, octets[2], octets[3]]),
        _ => out.extend([0x84, octets[0], octets[1], octets[2], octets[3]]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// An object identifier with these contents.
pub fn oid(contents: &[u8]) -> Vec<u8> {
    der(6, &[contents])
}

/// A name with this common name.
pub fn name(text: &str) -> Vec<u8> {
    let pair = der(SEQUENCE, &[&oid(&[0x55, 4, 3]), &der(0x0c, &[text.as_bytes()])]);
    der(SEQUENCE, &[&der(0x31, &[&pair])])
}

/// The extension that names the purpose of a key, by the last octet of its identifier: 3 for code signing, 8 for timestamps.
pub fn purpose(last: u8) -> Vec<u8> {
    let purposes = der(SEQUENCE, &[&oid(&[0x2b, 6, 1, 5, 5, 7, 3, last])]);
    der(SEQUENCE, &[&oid(&[0x55, 0x1d, 0x25]), &der(4, &[&purposes])])
}

/// What is in a certificate.
pub struct Certificate<'c> {
    pub issuer: &'c [u8],
    pub subject: &'c [u8],
    /// Contents of the serial number.
    pub serial: &'c [u8],
    /// An uncompressed point on P-256.
    pub point: &'c [u8],
    pub extensions: &'c [Vec<u8>],
}

/// A certificate for a key on P-256.
pub fn certificate(of: &Certificate<'_>) -> Vec<u8> {
    let algorithm = der(SEQUENCE, &[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let validity = der(SEQUENCE, &[&der(0x17, &[b"200101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
    let key_kind =
        [oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])];
    let key = der(SEQUENCE, &[&der(SEQUENCE, &[&key_kind[0], &key_kind[1]]), &der(3, &[&[0], of.point])]);
    let extensions: Vec<&[u8]> = of.extensions.iter().map(Vec::as_slice).collect();
    let extensions = der(0xa3, &[&der(SEQUENCE, &extensions)]);
    let version = der(0xa0, &[&der(2, &[&[2]])]);
    let body: [&[u8]; 8] =
        [&version, &der(2, &[of.serial]), &algorithm, of.issuer, &validity, of.subject, &key, &extensions];
    der(SEQUENCE, &[&der(SEQUENCE, &body), &algorithm, &der(3, &[&[0, 0]])])
}
