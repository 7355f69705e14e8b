//! The setting that decides when a folder's files are complete.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// When a file of a folder is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReadyWhen {
    /// As soon as its own header shows that.
    #[default]
    Whole,
    /// When it has not changed for `settle` and has no writer.
    Settled,
    /// When a file of the same name with this suffix is beside it: `x.cab.done`.
    Marker(String),
    /// Like a marker, and its content belongs to the package: `x.cab.sha256`, `x.cab.toml`.
    Sidecar(String),
}

impl FromStr for ReadyWhen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "whole" => Ok(Self::Whole),
            None if text == "settled" => Ok(Self::Settled),
            Some(("marker", suffix)) if is_suffix(suffix) => Ok(Self::Marker(suffix.to_owned())),
            Some(("marker", suffix)) => {
                Err(format!("invalid suffix `{suffix}`; expected a dot and a name, as in `.done`"))
            }
            Some(("sidecar", suffix @ (".sha256" | ".toml"))) => Ok(Self::Sidecar(suffix.to_owned())),
            Some(("sidecar", suffix)) => {
                Err(format!("invalid sidecar `{suffix}`; expected `.sha256` or `.toml`"))
            }
            _ => Err(format!(
                "invalid `ready` value `{text}`; expected `whole`, `settled`, `marker:.SUFFIX`, `sidecar:.sha256` or \
                 `sidecar:.toml`"
            )),
        }
    }
}

fn is_suffix(text: &str) -> bool {
    text.len() > 1 && text.starts_with('.') && !text.contains('/')
}

impl fmt::Display for ReadyWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Settled => f.write_str("settled"),
            Self::Marker(suffix) => write!(f, "marker:{suffix}"),
            Self::Sidecar(suffix) => write!(f, "sidecar:{suffix}"),
        }
    }
}

impl ReadyWhen {
    fn suffix(&self) -> Option<&str> {
        match self {
            Self::Whole | Self::Settled => None,
            Self::Marker(suffix) | Self::Sidecar(suffix) => Some(suffix),
        }
    }

    /// The path of the marker or sidecar of the file at `path`.
    pub(crate) fn companion(&self, path: &Path) -> Option<PathBuf> {
        let mut name = OsString::from(path);
        name.push(self.suffix()?);
        Some(name.into())
    }

    /// The path of the file that `companion` belongs to, if its name is that of a marker or sidecar.
    pub(crate) fn companion_of(&self, companion: &Path) -> Option<PathBuf> {
        let suffix = self.suffix()?.as_bytes();
        let name = companion.file_name()?.as_bytes();
        let at = name.len().checked_sub(suffix.len()).filter(|at| *at > 0)?;
        let (stem, end) = name.split_at(at);
        end.eq_ignore_ascii_case(suffix).then(|| companion.with_file_name(OsStr::from_bytes(stem)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_displayed_as_it_was_parsed() {
        for text in ["whole", "settled", "marker:.done", "sidecar:.sha256", "sidecar:.toml"] {
            assert_eq!(text.parse::<ReadyWhen>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_value_is_refused() {
        for text in
            ["", "Whole", "marker", "marker:", "marker:.", "marker:done", "marker:./x", "sidecar:.md5"]
        {
            assert!(text.parse::<ReadyWhen>().is_err(), "{text}");
        }
    }

    #[test]
    fn companion_and_its_file_name_each_other() {
        let marker = ReadyWhen::Marker(".done".to_owned());
        let path = Path::new("/srv/x.cab");
        assert_eq!(marker.companion(path).unwrap(), Path::new("/srv/x.cab.done"));
        assert_eq!(marker.companion_of(Path::new("/srv/x.cab.DONE")).unwrap(), path);
        assert_eq!(marker.companion_of(Path::new("/srv/.done")), None);
        assert_eq!(marker.companion_of(path), None);
    }
}
