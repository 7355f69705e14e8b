//! Names that others have chosen, in commands that an operator is advised to run.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt;

use crate::hidden::is_hidden;

/// Displays a name or path as exactly one word of a POSIX shell, quoted if that is needed.
///
/// Characters that a terminal interprets or does not show, and bytes that are not UTF-8, are displayed in the form `$'\x1b'`
/// of bash, zsh and POSIX.1-2024. A word that begins with a hyphen is quoted like others: write it behind `--` or `--option=`.
#[derive(Debug, Clone, Copy)]
pub struct ShellWord<'a>(pub &'a OsStr);

impl<'a> ShellWord<'a> {
    /// The word for a name or path.
    #[must_use]
    pub fn of<T: AsRef<OsStr> + ?Sized>(name: &'a T) -> Self {
        Self(name.as_ref())
    }
}

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_str() {
            Some(text) if !text.is_empty() && text.chars().all(is_plain) => f.write_str(text),
            Some(text) if text.chars().all(is_visible) => write!(f, "'{}'", text.replace('\'', r"'\''")),
            _ => write_escaped(f, self.0.as_bytes()),
        }
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, name: &[u8]) -> fmt::Result {
    f.write_str("$'")?;
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\'' | '\\' => write!(f, "\\{letter}")?,
                _ if is_visible(letter) => f.write_char(letter)?,
                // Bytes instead of `\u`, whose meaning depends on the locale.
                _ => letter.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write_byte(f, byte))?,
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write_byte(f, *byte))?;
    }
    f.write_str("'")
}

/// Three octal digits: a digit that follows is not a part of them.
fn write_byte(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    write!(f, "\\{byte:03o}")
}

/// Whether a shell takes the character literally in every place of a word.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-./:=@%+,".contains(letter)
}

/// Whether a terminal shows the character as itself, in its place.
fn is_visible(letter: char) -> bool {
    letter == ' ' || !(letter.is_whitespace() || is_hidden(letter))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn every_name_is_one_word_of_a_shell() {
        let names: [&[u8]; 13] = [
            b"echo-1.2.cab",
            b"",
            b"two words.cab",
            b"it's \"quoted\".cab",
            b"$(touch x)`id`;&|<>*?[a]~#!{a,b}\\",
            b"-rf",
            b"~root",
            b"a\nb\tc\x1b[2J7",
            "ä語\u{202e}\u{200b}1".as_bytes(),
            "\u{3164}'\\".as_bytes(),
            b"\xff\xfe0.cab",
            b"a=b",
            b"%s\\n",
        ];
        for name in names {
            let word = ShellWord(OsStr::from_bytes(name)).to_string();
            let shown =
                Command::new("bash").args(["-c", &format!("printf '%s' {word}")]).output().expect("bash");
            assert_eq!(shown.stdout, name, "{word}");
            assert!(
                !word.contains(
                    |letter: char| letter.is_control() || "\u{202e}\u{200b}\u{3164}".contains(letter)
                )
            );
        }
        assert_eq!(ShellWord::of("echo-1.2.cab").to_string(), "echo-1.2.cab");
        assert_eq!(ShellWord::of("two words").to_string(), "'two words'");
        assert_eq!(ShellWord::of("ring – ä").to_string(), "'ring – ä'");
    }
}
