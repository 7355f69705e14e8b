//! Reads DER without copying. Every access is bounds-checked.

/// Why bytes are not DER, as a clause for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DerError(pub(crate) &'static str);

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
pub(crate) const CONTEXT_1: u8 = 0xa1;
/// `[2]`, constructed.
pub(crate) const CONTEXT_2: u8 = 0xa2;
/// `[3]`, constructed.
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// One element: tag, length, value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tlv<'a> {
    /// Identifier octet; only one-octet tags are read.
    pub(crate) tag: u8,
    /// Contents, without tag and length.
    pub(crate) value: &'a [u8],
    /// Tag, length and contents.
    pub(crate) whole: &'a [u8],
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads the contents of a constructed element, or a whole document.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that are not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, of any tag.
    pub(crate) fn any(&mut self) -> Result<Tlv<'a>, DerError> {
        let (&tag, after_tag) = self.0.split_first().ok_or(DerError("an element is missing"))?;
        if tag & 0x1f == 0x1f {
            return Err(DerError("a tag has several octets"));
        }
        let (&first, mut body) = after_tag.split_first().ok_or(DerError("a length is missing"))?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let (octets, rest) = body.split_at_checked(count).ok_or(DerError("a length is cut off"))?;
                body = rest;
                octets.iter().fold(0usize, |sum, octet| (sum << 8) | usize::from(*octet))
            }
            0x80 => return Err(DerError("a length is indefinite")),
            _ => return Err(DerError("a length is too large")),
        };
        let (value, rest) =
            body.split_at_checked(length).ok_or(DerError("an element is longer than its container"))?;
        let length_of_element = self.0.len().saturating_sub(rest.len());
        let whole = self.0.get(..length_of_element).ok_or(DerError("an element is cut off"))?;
        self.0 = rest;
        Ok(Tlv { tag, value, whole })
    }

    /// The next element, which must have the tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        let mut reader = *self;
        let found = reader.any()?;
        if found.tag != tag {
            return Err(DerError("an element is of another type than expected"));
        }
        *self = reader;
        Ok(found)
    }

    /// The contents of the next element, which must have the tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Result<Reader<'a>, DerError> {
        Ok(Reader(self.expect(tag)?.value))
    }

    /// The next element if it has the tag. For optional fields.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        match self.0.first() {
            Some(first) if *first == tag => self.any().map(Some),
            _ => Ok(None),
        }
    }

    /// All remaining elements; an error if there are more than `limit`.
    pub(crate) fn all(mut self, limit: usize) -> Result<Vec<Tlv<'a>>, DerError> {
        let mut found = Vec::new();
        while !self.is_empty() {
            if found.len() >= limit {
                return Err(DerError("a list has too many elements"));
            }
            found.push(self.any()?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_elements_keep_their_bytes() {
        let bytes = [0x30, 0x05, 0x02, 0x01, 0x07, 0x05, 0x00, 0xff];
        let mut outer = Reader::new(&bytes);
        let sequence = outer.expect(SEQUENCE).unwrap();
        assert_eq!(sequence.whole.len(), 7);
        assert_eq!(outer.rest(), [0xff]);
        let mut inner = Reader::new(sequence.value);
        assert_eq!(inner.optional(OID).unwrap(), None);
        assert_eq!(inner.expect(INTEGER).unwrap().value, [7]);
        assert_eq!(inner.all(4).unwrap().len(), 1);
    }

    #[test]
    fn wrong_length_is_refused() {
        for bytes in [
            &[0x30][..],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x05, 1],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85, 0, 0, 0, 0, 1],
            &[0x1f, 0x81, 0x00],
        ] {
            assert!(Reader::new(bytes).any().is_err(), "{bytes:02x?}");
        }
    }
}
