//! Decodes the bytes of an INF.
//!
//! Microsoft documents ANSI and UTF-16 (general-guidelines-for-inf-files.md,
//! creating-international-inf-files.md); INFs in UTF-8 exist as well.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Encoding of an INF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// ASCII only.
    Ascii,
    /// UTF-8 with a byte order mark or characters beyond ASCII.
    Utf8,
    /// UTF-16 in either byte order.
    Utf16,
    /// An ANSI code page; decoded as that of western Europe (1252), because the file does not name it.
    Ansi,
}

/// Decodes an INF. Invalid sequences become the replacement character.
pub(crate) fn decode(bytes: &[u8]) -> (String, Encoding) {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return (UTF_16LE.decode_without_bom_handling(rest).0.into_owned(), Encoding::Utf16);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return (UTF_16BE.decode_without_bom_handling(rest).0.into_owned(), Encoding::Utf16);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return (String::from_utf8_lossy(rest).into_owned(), Encoding::Utf8);
    }
    // UTF-16 without a byte order mark: an INF starts with ASCII, so every other byte is zero.
    let head = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    if head.len() >= 4 && zeros(1).saturating_mul(2) >= head.len() / 2 && zeros(0) == 0 {
        return (UTF_16LE.decode_without_bom_handling(bytes).0.into_owned(), Encoding::Utf16);
    }
    if head.len() >= 4 && zeros(0).saturating_mul(2) >= head.len() / 2 && zeros(1) == 0 {
        return (UTF_16BE.decode_without_bom_handling(bytes).0.into_owned(), Encoding::Utf16);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => (text.to_owned(), Encoding::Ascii),
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), Encoding::Ansi),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_in_every_encoding() {
        let text = "[Version]\r\nProvider = \"Exämple\"\r\n";
        let utf16 = |mark: bool, big: bool| -> Vec<u8> {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let ansi: Vec<u8> = text.chars().map(|c| c as u8).collect();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), Encoding::Utf8),
            (utf16(true, false), Encoding::Utf16),
            (utf16(true, true), Encoding::Utf16),
            (utf16(false, false), Encoding::Utf16),
            (utf16(false, true), Encoding::Utf16),
            (ansi, Encoding::Ansi),
        ] {
            assert_eq!(decode(&bytes), (text.to_owned(), encoding));
        }
        assert_eq!(decode(b"[Version]"), ("[Version]".to_owned(), Encoding::Ascii));
    }
}
