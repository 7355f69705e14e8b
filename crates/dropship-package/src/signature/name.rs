//! Distinguished names in the text form of RFC 4514.

use crate::der::{OID, Reader, SEQUENCE, SET};

/// Name attributes that have a short name.
const SHORT: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "E"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 1], "jurisdictionL"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 2], "jurisdictionST"),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 60, 2, 1, 3], "jurisdictionC"),
];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// Maximum number of attributes that are shown.
const MAX_ATTRIBUTES: usize = 32;
/// Maximum number of characters of a value that are shown.
const LONGEST: usize = 256;

/// The attributes of a name, in the order of the certificate.
fn attributes(name: &[u8]) -> Vec<(&[u8], String)> {
    let mut found = Vec::new();
    let Ok(sequence) = Reader::new(name).expect(SEQUENCE) else {
        return found;
    };
    for set in Reader::new(sequence.value).all(MAX_ATTRIBUTES).unwrap_or_default() {
        if set.tag != SET {
            continue;
        }
        for pair in Reader::new(set.value).all(MAX_ATTRIBUTES).unwrap_or_default() {
            let mut fields = Reader::new(pair.value);
            if let (Ok(kind), Ok(value)) = (fields.expect(OID), fields.any()) {
                found.push((kind.value, text(value.tag, value.value)));
            }
        }
    }
    found
}

/// Decodes a string of any type that names use; control characters are dropped.
fn text(tag: u8, value: &[u8]) -> String {
    let decoded: String = match tag {
        0x1e => value
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok())
            .map(|pair| char::from_u32(u32::from(u16::from_be_bytes(pair))).unwrap_or('\u{fffd}'))
            .collect(),
        0x14 => value.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(value).into_owned(),
    };
    decoded.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// The whole name, most specific part first: `CN=Contoso,O=Contoso,C=US`.
pub(crate) fn display(name: &[u8]) -> String {
    let mut parts = Vec::new();
    for (kind, value) in attributes(name).into_iter().rev() {
        let short = SHORT.iter().find(|(oid, _)| *oid == kind).map(|(_, short)| (*short).to_owned());
        parts.push(format!("{}={}", short.unwrap_or_else(|| dotted(kind)), escaped(&value)));
    }
    parts.join(",")
}

/// The common name; the most specific one if there are several.
pub(crate) fn common_name(name: &[u8]) -> Option<String> {
    let found = attributes(name).into_iter().rev().find(|(kind, _)| *kind == COMMON_NAME);
    found.map(|(_, value)| value)
}

fn escaped(value: &str) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let edge = (index == 0 && matches!(c, '#' | ' ')) || (index == last && c == ' ');
        if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// An object identifier in dotted form: `1.2.840`.
pub(crate) fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for byte in oid.iter().take(64) {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let root = (arc / 40).min(2);
                arcs.extend([root, arc.saturating_sub(root.saturating_mul(40))]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_written_as_in_rfc_4514() {
        // C=US, CN="A, B" (BMPString)
        let name = [
            0x30, 32, 0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 6, 0x13, 2, b'U', b'S', 0x31, 17, 0x30, 15, 6, 3,
            0x55, 4, 3, 0x1e, 8, 0, b'A', 0, b',', 0, b' ', 0, b'B',
        ];
        let name = &name[..];
        assert_eq!(display(name), "CN=A\\, B,C=US");
        assert_eq!(common_name(name).unwrap(), "A, B");
        assert_eq!(display(&[]), "");
    }

    #[test]
    fn identifier_is_written_in_dotted_form() {
        assert_eq!(dotted(&[0x67, 0x81, 0x0c, 1, 3]), "2.23.140.1.3");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48]), "1.2.840");
    }
}
