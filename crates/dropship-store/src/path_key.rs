//! Paths as keys of tables.

/// A path as text without loss: bytes that are not UTF-8, control characters and backslashes become `\xNN`.
#[must_use]
pub fn path_key(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' || letter.is_control() {
                text.push_str(&format!("\\x{:02x}", u32::from(letter)));
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The path that [`path_key`] wrote.
#[must_use]
pub fn path_of_key(key: &str) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some(at) = rest.find("\\x") {
        let (plain, escaped) = rest.split_at(at);
        bytes.extend_from_slice(plain.as_bytes());
        let byte = escaped.get(2..4).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let taken = if let Some(byte) = byte {
            bytes.push(byte);
            4
        } else {
            bytes.extend_from_slice(b"\\x");
            2
        };
        rest = &escaped[taken..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn different_paths_have_different_keys() {
        let paths: [&[u8]; 5] =
            [b"/a b.cab", b"/a\xffb.cab", b"/a\\xffb.cab", b"/a\nb.cab", "/ä.cab".as_bytes()];
        let keys: Vec<_> =
            paths.iter().map(|bytes| path_key(std::ffi::OsStr::from_bytes(bytes).as_ref())).collect();
        assert_eq!(keys, ["/a b.cab", "/a\\xffb.cab", "/a\\x5cxffb.cab", "/a\\x0ab.cab", "/ä.cab"]);
        let read: Vec<_> = keys.iter().map(|key| path_of_key(key).into_os_string()).collect();
        assert_eq!(read, paths.map(|bytes| std::ffi::OsStr::from_bytes(bytes).to_owned()));
    }
}
