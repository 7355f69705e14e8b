//! A text with one layer of escapes removed, and the place of each of its bytes in the original text.

use std::ops::Range;

/// Number of layers that are removed: a proxy escapes a page that quotes an encoded body that quotes a URL.
pub(crate) const MAX_LAYERS: usize = 4;

/// Longest entity of HTML that is recognised, in bytes.
const LONGEST_ENTITY: usize = 10;

/// A text without one layer of escapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecodedText {
    pub(crate) bytes: Vec<u8>,
    /// For each byte, the bytes of the text that it stands for.
    ranges: Vec<Range<usize>>,
}

impl DecodedText {
    /// The bytes of the text that a range of the view stands for.
    pub(crate) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.ranges.get(range.start).map_or(0, |range| range.start);
        let last = range.end.checked_sub(1).and_then(|last| self.ranges.get(last));
        start..last.map_or(start, |range| range.end)
    }
}

/// Removes percent-encoding, backslash escapes of JSON and the character references of HTML, once. `None` if there are none.
pub(crate) fn decode(text: &[u8]) -> Option<DecodedText> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&')) {
        return None;
    }
    let mut view =
        DecodedText { bytes: Vec::with_capacity(text.len()), ranges: Vec::with_capacity(text.len()) };
    let mut is_changed = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escape = match byte {
            b'%' => percent(&text[at..]),
            b'\\' => backslash(&text[at..]),
            b'&' => entity(&text[at..]),
            _ => None,
        };
        match escape {
            Some((decoded, length)) => {
                let range = at..at + length;
                match decoded {
                    DecodedUnit::Byte(byte) => view.push(byte, range),
                    DecodedUnit::Char(c) => {
                        let mut buffer = [0; 4];
                        for &byte in c.encode_utf8(&mut buffer).as_bytes() {
                            view.push(byte, range.clone());
                        }
                    }
                }
                at += length;
                is_changed = true;
            }
            None => {
                view.push(byte, at..at + 1);
                at += 1;
            }
        }
    }
    is_changed.then_some(view)
}

impl DecodedText {
    fn push(&mut self, byte: u8, range: Range<usize>) {
        self.bytes.push(byte);
        self.ranges.push(range);
    }
}

enum DecodedUnit {
    Byte(u8),
    Char(char),
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, &digit| {
        number.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?)
    })
}

fn percent(text: &[u8]) -> Option<(DecodedUnit, usize)> {
    let byte = u8::try_from(hex(text.get(1..3)?)?).ok()?;
    Some((DecodedUnit::Byte(byte), 3))
}

fn backslash(text: &[u8]) -> Option<(DecodedUnit, usize)> {
    let byte = match text.get(1)? {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => *byte,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'x' => return Some((DecodedUnit::Byte(u8::try_from(hex(text.get(2..4)?)?).ok()?), 4)),
        b'u' => return Some((DecodedUnit::Char(char::from_u32(hex(text.get(2..6)?)?)?), 6)),
        _ => return None,
    };
    Some((DecodedUnit::Byte(byte), 2))
}

fn entity(text: &[u8]) -> Option<(DecodedUnit, usize)> {
    let end = text.iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"plus" => '+',
        b"nbsp" => ' ',
        [b'#', b'x' | b'X', digits @ ..] if !digits.is_empty() => char::from_u32(hex(digits)?)?,
        [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
        _ => return None,
    };
    Some((DecodedUnit::Char(c), end + 1))
}
