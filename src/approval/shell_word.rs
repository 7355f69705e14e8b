//! Quotes an argument for a POSIX shell.

use std::fmt::{self, Write};

/// Displays a text as one word of a shell command. Characters that a terminal would interpret are written as escapes, which
/// bash, zsh, ksh and busybox understand.
pub(super) struct ShellWord<'a>(pub(super) &'a str);

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        let is_plain = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ':' | '@' | '+' | ',')
        };
        if !text.is_empty() && text.chars().all(is_plain) {
            return f.write_str(text);
        }
        if text.chars().any(is_invisible) {
            return ansi_c(text, f);
        }
        write!(f, "'{}'", text.replace('\'', r"'\''"))
    }
}

/// Control characters, and format characters such as those that change the direction of text.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writes `$'…'`.
fn ansi_c(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("$'")?;
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => write!(f, "\\{letter}")?,
            // Octal, because a hexadecimal escape may swallow the digits that follow it.
            _ if is_invisible(letter) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    write!(f, "\\{byte:03o}")?;
                }
            }
            _ => f.write_char(letter)?,
        }
    }
    f.write_char('\'')
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn quoted_word_is_read_as_the_same_text() {
        let texts = [
            "echo",
            "",
            "two words",
            "it's",
            "$HOME `id` \"x\" \\n !",
            "-rf",
            "a\u{1b}[2J\n1'\\\u{202e}7",
            "ä ö",
            "*;&|<>(){}#~",
            "tab\t",
        ];
        for text in texts {
            let word = ShellWord(text).to_string();
            assert!(!word.chars().any(is_invisible), "{word:?}");
            let printed = Command::new("bash").args(["-c", &format!("printf %s {word}")]).output();
            // `printf %s -rf` prints the text: options end at the format.
            assert_eq!(String::from_utf8_lossy(&printed.expect("bash runs").stdout), text, "{word}");
        }
    }
}
