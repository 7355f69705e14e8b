//! Variables of sidecars: data for the variables that a rule declares, never a template.

use std::collections::BTreeMap;
use std::path::Path;

/// Values by name.
pub type Vars = BTreeMap<String, String>;

/// Maximum size of a sidecar, in bytes.
pub const MOST: usize = 4096;

/// Reads `NAME = "value"` lines; numbers and truth values are taken as they are written.
///
/// # Errors
/// When the text has more than [`MOST`] bytes, or does not consist of such lines. The error says what is wrong.
pub fn parse(bytes: &[u8]) -> Result<Vars, String> {
    if bytes.len() > MOST {
        return Err(format!("it is longer than {MOST} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    let table: toml::Table = text
        .trim_start_matches('\u{feff}')
        .parse()
        .map_err(|error: toml::de::Error| format!("not valid TOML: {}", error.message()))?;
    let value = |(name, value): (String, toml::Value)| match value {
        toml::Value::String(text) if text.contains(char::is_control) => {
            Err(format!("`{name}` holds a line break or control character"))
        }
        toml::Value::String(text) => Ok((name, text)),
        toml::Value::Integer(number) => Ok((name, number.to_string())),
        toml::Value::Boolean(flag) => Ok((name, flag.to_string())),
        _ => Err(format!(
            "`{name}` is neither a text nor a number; a sidecar holds lines like `{name} = \"value\"`"
        )),
    };
    table.into_iter().map(value).collect()
}

/// Reads the sidecar beside a package.
///
/// # Errors
/// When the file cannot be read, and as [`parse`]. The error has the path of the file.
pub fn beside(package: &Path) -> Result<Vars, String> {
    let mut path = package.as_os_str().to_owned();
    path.push(".toml");
    read(Path::new(&path))
}

/// Reads a sidecar.
///
/// # Errors
/// When the file cannot be read, and as [`parse`]. The error has the path of the file.
pub fn read(path: &Path) -> Result<Vars, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let is_file = std::fs::metadata(path).map(|metadata| metadata.is_file());
    let read = match is_file {
        Ok(false) => return Err(format!("the sidecar {} is not a regular file", path.display())),
        Ok(true) => std::fs::File::open(path),
        Err(error) => Err(error),
    };
    let read = read.and_then(|file| file.take(MOST as u64 + 1).read_to_end(&mut bytes));
    let vars = read.map_err(|error| error.to_string()).and_then(|_| parse(&bytes));
    vars.map_err(|why| format!("the sidecar {} cannot be used: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_data() {
        let vars = parse(b"\xef\xbb\xbfbranch = \"{{ signer }}\"\nbuild = 42\nfinal = true\n").expect("vars");
        let expected = [("branch", "{{ signer }}"), ("build", "42"), ("final", "true")];
        assert_eq!(vars, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn other_sidecar_is_refused_with_reason() {
        let long = format!("a = \"{}\"", "x".repeat(MOST));
        for (text, why) in [
            (&b"a"[..], "not valid TOML"),
            (b"\xff", "not text"),
            (b"a = [1]", "neither a text"),
            (b"[a]\nb = 1", "neither a text"),
            (b"a = \"x\\ny\"", "line break"),
            (long.as_bytes(), "longer than 4096"),
        ] {
            assert!(parse(text).expect_err("refused").contains(why), "{why}");
        }
    }
}
