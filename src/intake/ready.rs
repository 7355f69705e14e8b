//! When a folder's files are finished, and the small files that may say so.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Identity;
use super::open::open_below;

/// When is a file of a folder finished?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ready {
    /// When it is whole by its own header; at once if it is.
    #[default]
    Whole,
    /// When it has not changed for `settle` and nobody writes to it.
    Settled,
    /// When a file of the same name with this suffix lies beside it: `x.cab.done`.
    Marker(String),
    /// Likewise, and what the other file holds belongs to it: `x.cab.sha256`, `x.cab.toml`.
    Sidecar(String),
}

impl FromStr for Ready {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let suffix = |suffix: &str| {
            let plain = suffix.len() > 1 && suffix.starts_with('.') && !suffix.contains('/');
            plain.then(|| suffix.to_owned()).ok_or_else(|| {
                format!("`{suffix}` is no suffix: it begins with a dot and has more than that, as in `.done`")
            })
        };
        match text.split_once(':') {
            None if text == "whole" => Ok(Self::Whole),
            None if text == "settled" => Ok(Self::Settled),
            Some(("marker", end)) => suffix(end).map(Self::Marker),
            Some(("sidecar", end @ (".sha256" | ".toml"))) => Ok(Self::Sidecar(end.to_owned())),
            Some(("sidecar", end)) => Err(format!("a sidecar is `.sha256` or `.toml`, not `{end}`")),
            _ => Err(format!(
                "`{text}` is none of `whole`, `settled`, `marker:.SUFFIX`, `sidecar:.sha256`, `sidecar:.toml`"
            )),
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Settled => f.write_str("settled"),
            Self::Marker(suffix) => write!(f, "marker:{suffix}"),
            Self::Sidecar(suffix) => write!(f, "sidecar:{suffix}"),
        }
    }
}

impl Ready {
    fn suffix(&self) -> Option<&str> {
        match self {
            Self::Whole | Self::Settled => None,
            Self::Marker(suffix) | Self::Sidecar(suffix) => Some(suffix),
        }
    }

    /// The file that must lie beside `path`.
    pub(super) fn companion(&self, path: &Path) -> Option<PathBuf> {
        let mut name = OsString::from(path);
        name.push(self.suffix()?);
        Some(name.into())
    }

    /// The file that `companion` belongs to, if it is one by its name.
    pub(super) fn companion_of(&self, companion: &Path) -> Option<PathBuf> {
        let suffix = self.suffix()?;
        let name = companion.file_name()?.as_encoded_bytes();
        let stem = companion.file_name()?.to_owned();
        let keep = name.len().checked_sub(suffix.len()).filter(|keep| *keep > 0)?;
        if !name[keep..].eq_ignore_ascii_case(suffix.as_bytes()) {
            return None;
        }
        use std::os::unix::ffi::{OsStrExt, OsStringExt};
        let mut bytes = stem.into_vec();
        bytes.truncate(keep);
        Some(companion.with_file_name(OsStr::from_bytes(&bytes)))
    }
}

/// What lies beside a package and belongs to it; data, never to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Absolute path.
    pub path: PathBuf,
    /// The state in which it was read.
    pub identity: Identity,
    /// Its content, cut off after [`Sidecar::MOST`] bytes and one.
    pub bytes: Vec<u8>,
}

impl Sidecar {
    /// A sidecar may hold so many bytes.
    pub const MOST: usize = 4096;

    /// It holds more than it may.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.bytes.len() > Self::MOST
    }

    /// Reads what lies at `path`, below `root`; follows no link.
    ///
    /// # Errors
    /// Those of the system, and that it is no regular file.
    pub fn read(root: &Path, path: &Path) -> io::Result<Self> {
        let (file, meta) = open_below(root, path)?;
        let mut bytes = Vec::new();
        file.take(Self::MOST as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Self { path: path.to_owned(), identity: Identity::from(&meta), bytes })
    }

    /// The checksum that a `.sha256` sidecar asks for; nothing if it is of another kind.
    ///
    /// Reads what `sha256sum`, `sha256sum --tag` and `shasum -a 256` write, and a bare checksum.
    ///
    /// # Errors
    /// The sidecar names no checksum for the file of this name; the text says what it should look like.
    pub fn expected_sha256(&self, name: &OsStr) -> Result<Option<[u8; 32]>, String> {
        if !has_suffix(&self.path, b".sha256") {
            return Ok(None);
        }
        let name = name.to_string_lossy();
        let bad = |what: &str| {
            format!(
                "the sidecar {} {what}; it should read `<64 hexadecimal digits>  {name}`, as sha256sum writes it",
                self.path.display()
            )
        };
        if self.is_too_long() {
            return Err(bad("is longer than 4 KiB"));
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|_| bad("is not text"))?;
        let mut lines =
            text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
        lines.find_map(|line| checksum(line, &name)).map(Some).ok_or_else(|| bad("has no SHA-256 for it"))
    }
}

fn has_suffix(path: &Path, suffix: &[u8]) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.len() > suffix.len() && bytes[bytes.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

fn checksum(line: &str, name: &str) -> Option<[u8; 32]> {
    let (hex, about) = match line.strip_prefix("SHA256 (").and_then(|tagged| tagged.rsplit_once(") = ")) {
        Some((about, hex)) => (hex, about),
        None => line.split_once([' ', '\t']).unwrap_or((line, "")),
    };
    let about = about.trim_start_matches([' ', '\t', '*']);
    let about = about.rsplit(['/', '\\']).next().unwrap_or(about);
    if hex.len() != 64 || !(about.is_empty() || about.eq_ignore_ascii_case(name)) {
        return None;
    }
    let mut sum = [0; 32];
    for (byte, digits) in sum.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte =
            u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|d| !d.starts_with('+'))?, 16).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Stamp;

    fn expected(text: &[u8]) -> Result<Option<[u8; 32]>, String> {
        let stamp = Stamp { secs: 0, nanos: 0 };
        let identity = Identity { dev: 1, ino: 1, size: 1, mtime: stamp, ctime: stamp };
        let sidecar = Sidecar { path: "/srv/x.cab.sha256".into(), identity, bytes: text.to_vec() };
        sidecar.expected_sha256(OsStr::new("x.cab"))
    }

    #[test]
    fn checksums_are_read_as_common_tools_write_them() {
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
    fn anything_else_is_told_how_it_should_look() {
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
            let why = expected(&text).unwrap_err();
            assert!(why.contains("as sha256sum writes it"), "{why}");
        }
    }

    #[test]
    fn ready_is_written_as_it_is_read() {
        for text in ["whole", "settled", "marker:.done", "sidecar:.sha256", "sidecar:.toml"] {
            assert_eq!(text.parse::<Ready>().unwrap().to_string(), text);
        }
        for text in
            ["", "Whole", "marker", "marker:", "marker:.", "marker:done", "marker:./x", "sidecar:.md5"]
        {
            assert!(text.parse::<Ready>().is_err(), "{text}");
        }
        let marker = Ready::Marker(".done".to_owned());
        let path = Path::new("/srv/x.cab");
        assert_eq!(marker.companion(path).unwrap(), Path::new("/srv/x.cab.done"));
        assert_eq!(marker.companion_of(Path::new("/srv/x.cab.DONE")).unwrap(), path);
        assert_eq!(marker.companion_of(Path::new("/srv/.done")), None);
        assert_eq!(marker.companion_of(path), None);
    }
}
