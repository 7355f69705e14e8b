//! Escapes untrusted text for terminals and logs.

use std::fmt::Write as _;

use crate::is_hidden;

/// Displays a text with its control, bidirectional and invisible characters escaped, so that a terminal does not interpret them,
/// and a reader sees every character in its place.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            write_escaped(f, letter)?;
        }
        Ok(())
    }
}

/// Displays lines of text: like [`Escaped`], but line breaks and tabs stay.
#[derive(Debug, Clone, Copy)]
pub struct EscapedLines<'a>(pub &'a str);

impl std::fmt::Display for EscapedLines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\n' | '\t' => f.write_char(letter)?,
                _ => write_escaped(f, letter)?,
            }
        }
        Ok(())
    }
}

fn write_escaped(f: &mut std::fmt::Formatter<'_>, letter: char) -> std::fmt::Result {
    if is_hidden(letter) { write!(f, "{}", letter.escape_default()) } else { f.write_char(letter) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_terminals_interpret_or_hide_are_escaped() {
        let text = "a\u{1b}[2J\u{9b}b\u{202e}c\u{200b}d\u{feff}\n\te é 語";
        assert_eq!(Escaped(text).to_string(), "a\\u{1b}[2J\\u{9b}b\\u{202e}c\\u{200b}d\\u{feff}\\n\\te é 語");
        assert!(EscapedLines(text).to_string().ends_with("\\u{feff}\n\te é 語"));
    }
}
