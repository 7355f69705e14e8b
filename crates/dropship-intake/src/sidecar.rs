//! Sidecars: small files beside a package whose content belongs to it.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::Identity;
use crate::open::open_below;

/// A file beside a package that belongs to it. Its content is untrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Absolute path.
    pub path: PathBuf,
    /// The state in which it was read.
    pub identity: Identity,
    /// Its content. At most [`Sidecar::MAX_BYTES`] + 1 bytes are read, so that a longer file is recognised.
    pub bytes: Vec<u8>,
}

impl Sidecar {
    /// Maximum length in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Whether it is longer than [`Sidecar::MAX_BYTES`].
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.bytes.len() > Self::MAX_BYTES
    }

    /// Reads the file at `path`, which must be below `root`. Follows no symbolic link.
    ///
    /// # Errors
    /// It cannot be read, or is not a regular file.
    pub fn read(root: &Path, path: &Path) -> io::Result<Self> {
        let (file, meta) = open_below(root, path)?;
        let mut bytes = Vec::new();
        file.take(Self::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Self { path: path.to_owned(), identity: Identity::from(&meta), bytes })
    }

    /// The checksum in a `.sha256` sidecar for the file with this name; `None` for other kinds of sidecars.
    ///
    /// Accepts the output of `sha256sum`, `sha256sum --tag` and `shasum -a 256`, and a checksum alone.
    ///
    /// # Errors
    /// There is no checksum for the file. The message shows the expected form.
    pub fn expected_sha256(&self, name: &OsStr) -> Result<Option<[u8; 32]>, String> {
        if !self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sha256")) {
            return Ok(None);
        }
        let name = name.to_string_lossy();
        let invalid = |problem: &str| {
            format!(
                "the sidecar {} {problem}; it should read `<64 hexadecimal digits>  {name}`, as sha256sum writes it",
                self.path.display()
            )
        };
        if self.is_too_long() {
            return Err(invalid("is longer than 4 KiB"));
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|_| invalid("is not UTF-8 text"))?;
        let mut lines =
            text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
        let found = lines.find_map(|line| checksum(line, &name));
        found.map(Some).ok_or_else(|| invalid("has no SHA-256 for it"))
    }
}

/// The checksum in a line, if the line names this file or no file.
fn checksum(line: &str, name: &str) -> Option<[u8; 32]> {
    let (hex, file) = match line.strip_prefix("SHA256 (").and_then(|tagged| tagged.rsplit_once(") = ")) {
        Some((file, hex)) => (hex, file),
        None => line.split_once([' ', '\t']).unwrap_or((line, "")),
    };
    let file = file.trim_start_matches([' ', '\t', '*']);
    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let is_hex = hex.len() == 64 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex || !(file.is_empty() || file.eq_ignore_ascii_case(name)) {
        return None;
    }
    let mut sum = [0; 32];
    for (byte, digits) in sum.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileTime;

    fn expected(text: &[u8]) -> Result<Option<[u8; 32]>, String> {
        let time = FileTime { secs: 0, nanos: 0 };
        let identity = Identity { dev: 1, ino: 1, size: 1, mtime: time, ctime: time };
        let sidecar = Sidecar { path: "/srv/x.cab.sha256".into(), identity, bytes: text.to_vec() };
        sidecar.expected_sha256(OsStr::new("x.cab"))
    }

    #[test]
    fn checksum_in_the_form_of_a_common_tool_is_read() {
        let hex = "ab".repeat(32);
        for text in [
            format!("{hex}  x.cab\n"),
            format!("{hex} *x.cab\r\n"),
            format!("\u{feff}{}", hex.to_uppercase()),
            format!("SHA256 (x.cab) = {hex}\n"),
            format!("{}  other.cab\n{hex}  out/X.CAB\n", "00".repeat(32)),
        ] {
            assert_eq!(expected(text.as_bytes()), Ok(Some([0xab; 32])), "{text:?}");
        }
    }

    #[test]
    fn invalid_sidecar_is_refused_with_the_expected_form() {
        let hex = "ab".repeat(32);
        for text in [
            Vec::new(),
            b"\xff\xfe".to_vec(),
            format!("{hex}  other.cab").into_bytes(),
            hex.as_bytes()[1..].to_vec(),
            format!("{}g", &hex[1..]).into_bytes(),
            format!("{}  x.cab", "+a".repeat(32)).into_bytes(),
            [hex.as_bytes(), &[b' '; 5000]].concat(),
        ] {
            let reason = expected(&text).unwrap_err();
            assert!(reason.contains("as sha256sum writes it"), "{reason}");
        }
    }
}
