//! Converts BER to DER: definite lengths, and strings in one piece.
//!
//! Timestamp authorities of the past write their tokens with indefinite lengths (X.690, 8.1.3.6) and octet strings in
//! pieces (8.7.3). The readers in this crate know DER only, and signatures are over the DER (RFC 5652, 5.4).

use std::borrow::Cow;

use crate::der::{BIT_STRING, DerError, Reader};

/// Maximum depth of nesting; a signature with a timestamp token needs about 20 levels.
const DEPTH: usize = 64;
/// Maximum number of elements; a signature with two tokens and their certificates has about 3000.
const ELEMENTS: usize = 65_536;
/// Tag bit of an element that holds elements.
const CONSTRUCTED: u8 = 0x20;
/// Tag bits which announce that more octets of the tag follow.
const LONG_TAG: u8 = 0x1f;

/// The first element of `bytes` in DER, and the bytes behind it.
///
/// An element without indefinite lengths and without strings in pieces is borrowed unchanged. So is one of definite length
/// whose contents are not BER: the reader that needs the contents reports the fault. The result is never longer than the
/// input, and each octet is copied at most once for each level of nesting.
///
/// # Errors
/// The bytes are not BER, are nested too deep or have too many elements.
pub(crate) fn to_der(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), DerError> {
    Converter { elements: ELEMENTS }.element(bytes, DEPTH)
}

type Children<'a> = Vec<Cow<'a, [u8]>>;

struct Converter {
    /// Number of elements that may still be read.
    elements: usize,
}

impl Converter {
    /// The first element in DER and the bytes behind it; `depth` levels may follow.
    fn element<'a>(&mut self, bytes: &'a [u8], depth: usize) -> Result<(Cow<'a, [u8]>, &'a [u8]), DerError> {
        let depth = depth.checked_sub(1).ok_or(DerError("it is nested too deep"))?;
        self.elements = self.elements.checked_sub(1).ok_or(DerError("it has too many elements"))?;
        if let [tag, 0x80, body @ ..] = bytes
            && tag & CONSTRUCTED != 0
            && tag & LONG_TAG != LONG_TAG
        {
            let (children, rest) = self.children(body, true, depth)?;
            return Ok((Cow::Owned(join(*tag, &children)?), rest));
        }
        let mut reader = Reader::new(bytes);
        let found = reader.any()?;
        let mut der = Cow::Borrowed(found.whole);
        if found.tag & CONSTRUCTED != 0
            && let Ok((children, _)) = self.children(found.value, false, depth)
        {
            let changed = children.iter().any(|child| matches!(child, Cow::Owned(_)));
            if changed || string_tag(found.tag).is_some() {
                der = Cow::Owned(join(found.tag, &children)?);
            }
        }
        Ok((der, reader.rest()))
    }

    /// The elements up to the end of the contents: their last octet, or the two zeros that end an indefinite length.
    fn children<'a>(
        &mut self,
        mut body: &'a [u8],
        is_indefinite: bool,
        depth: usize,
    ) -> Result<(Children<'a>, &'a [u8]), DerError> {
        let mut found = Vec::new();
        loop {
            match body {
                [0, 0, rest @ ..] if is_indefinite => return Ok((found, rest)),
                [] if !is_indefinite => return Ok((found, body)),
                _ => {}
            }
            let (child, rest) = self.element(body, depth)?;
            found.push(child);
            body = rest;
        }
    }
}

/// Maps the tag of a string in pieces to the tag of the string in one piece. Covers all string and time types of ASN.1.
fn string_tag(tag: u8) -> Option<u8> {
    let plain = tag & !CONSTRUCTED;
    matches!(tag, 0x23 | 0x24 | 0x2c | 0x32..=0x3c | 0x3e).then_some(plain)
}

/// Builds the element with these children. The pieces of a string are joined into one primitive element.
fn join(tag: u8, children: &[Cow<'_, [u8]>]) -> Result<Vec<u8>, DerError> {
    let Some(plain) = string_tag(tag) else {
        return Ok(encode(tag, &children.concat()));
    };
    let mut value = Vec::new();
    for (index, child) in children.iter().enumerate() {
        let part = Reader::new(child).expect(plain)?.value;
        // Each piece of a bit string begins with the number of bits that it leaves unused; only the last may leave some.
        let part = match (plain, index) {
            (BIT_STRING, 1..) => {
                if let (Some(unused), Some(unused_of_part)) = (value.first_mut(), part.first()) {
                    *unused = *unused_of_part;
                }
                part.get(1..).unwrap_or_default()
            }
            _ => part,
        };
        value.extend_from_slice(part);
    }
    Ok(encode(plain, &value))
}

fn encode(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag];
    let length = value.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => encoded.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let skip = octets.iter().take_while(|octet| **octet == 0).count();
            let significant = octets.get(skip..).unwrap_or_default();
            encoded.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
            encoded.extend_from_slice(significant);
        }
    }
    encoded.extend_from_slice(value);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(bytes: &[u8]) -> Vec<u8> {
        to_der(bytes).unwrap().0.into_owned()
    }

    #[test]
    fn der_is_borrowed_as_it_is() {
        // A length in more octets than needed is kept as well: signed bytes must not change.
        let bytes = [0x30, 0x81, 0x03, 0x02, 0x01, 0x07, 0xff];
        let (found, rest) = to_der(&bytes).unwrap();
        assert!(matches!(found, Cow::Borrowed(_)));
        assert_eq!((&*found, rest), (&bytes[..6], &bytes[6..]));
    }

    #[test]
    fn indefinite_lengths_become_definite_at_any_depth() {
        let bytes = [0x30, 0x80, 0x30, 0x04, 0xa0, 0x80, 0, 0, 0x02, 0x01, 0x07, 0, 0, 0xff];
        let (found, rest) = to_der(&bytes).unwrap();
        assert_eq!(*found, [0x30, 0x07, 0x30, 0x02, 0xa0, 0x00, 0x02, 0x01, 0x07]);
        assert_eq!(rest, [0xff]);
    }

    #[test]
    fn strings_in_pieces_become_one() {
        assert_eq!(der(&[0x24, 0x80, 4, 1, 1, 0x24, 3, 4, 1, 2, 4, 0, 0, 0]), [4, 2, 1, 2]);
        assert_eq!(der(&[0x24, 6, 4, 1, 1, 4, 1, 2]), [4, 2, 1, 2]);
        assert_eq!(der(&[0x23, 0x80, 3, 2, 0, 0xff, 3, 2, 4, 0xf0, 0, 0]), [3, 3, 4, 0xff, 0xf0]);
        assert!(
            to_der(&[0x24, 0x80, 2, 1, 1, 0, 0]).is_err(),
            "an integer is not a piece of an octet string"
        );
    }

    #[test]
    fn long_contents_get_long_lengths() {
        let bytes = [&[0x30, 0x80, 0x04, 0x82, 0x01, 0x00][..], &[7; 256], &[0, 0]].concat();
        assert_eq!(der(&bytes)[..8], [0x30, 0x82, 0x01, 0x04, 0x04, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn unbounded_nesting_is_refused() {
        assert!(to_der(&[0x30, 0x80].repeat(100_000)).is_err());
        assert!(to_der(&[0x30, 0x80, 0x02, 0x01]).is_err());
        assert!(to_der(&[0x04, 0x80, 0, 0]).is_err(), "only elements that hold elements may lack a length");
        assert!(to_der(&[]).is_err());
    }

    #[test]
    fn too_many_elements_are_refused() {
        let bytes = [&[0x30, 0x80][..], &[5, 0].repeat(ELEMENTS), &[0, 0]].concat();
        assert!(to_der(&bytes).is_err());
    }

    #[test]
    fn contents_that_are_not_ber_are_kept_unchanged() {
        let bytes = [0x30, 0x80, 0x30, 0x02, 0x02, 0x05, 0, 0];
        assert_eq!(der(&bytes), [0x30, 0x04, 0x30, 0x02, 0x02, 0x05]);
    }
}
