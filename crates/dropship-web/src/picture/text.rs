//! Untrusted text in pictures.

use unicode_width::UnicodeWidthChar;

use crate::text::clean;

/// A cleaned text of at most `columns` columns; a longer one loses its middle, because versions are at the end of names.
#[must_use]
pub fn shorten(text: &str, columns: usize) -> String {
    let text = clean(text);
    if width(&text) <= columns {
        return text.into_owned();
    }
    let room = columns.saturating_sub(1);
    let tail = room / 2;
    let mut end = take(text.chars().rev(), tail);
    end.reverse();
    let start = take(text.chars(), room - tail);
    start.into_iter().chain(['…']).chain(end).collect()
}

/// Number of columns of a text; a CJK character has two.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Number of columns of a character; one without a width, which [`clean`] replaces, has none.
fn columns_of(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

fn take(letters: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += columns_of(*letter);
            used <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_keeps_its_start_and_its_end() {
        assert_eq!(shorten("contoso audio driver 10.0.1", 15), "contoso… 10.0.1");
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(width(&shorten(&"語".repeat(100), 20)), 19);
        assert_eq!(shorten("ab", 0), "…");
        assert_eq!(shorten("abcdef", 5), "ab…ef");
        assert_eq!(shorten("abcdefg", 6), "abc…fg");
        assert_eq!((width("a\u{7}\u{301}語"), width("")), (3, 0));
    }
}
