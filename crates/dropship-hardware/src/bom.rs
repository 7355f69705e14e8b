//! Byte order marks: servers on Windows write them before JSON, and JSON does not allow them.

/// The bytes behind a UTF-8 byte order mark.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
