//! Unicode simple case folding.

use std::borrow::Cow;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// The characters that differ from `c` in case only, with `c` itself.
pub(super) fn orbit(c: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    // It fails without the table of the feature `unicode-case` only, which this crate requires.
    class.try_case_fold_simple().ok();
    class
}

/// The lowest character that differs from `c` in case only: equal characters fold to one.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    orbit(c).ranges().first().map_or(c, ClassUnicodeRange::start)
}

/// A text with each of its characters folded.
pub(super) fn fold_text(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return text.chars().map(fold).collect::<String>().into();
    }
    match text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        true => text.to_ascii_uppercase().into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_differ_in_case_only_fold_to_one() {
        for same in ["aA", "kK\u{212a}", "sS\u{17f}", "äÄ", "ß\u{1e9e}", "σςΣ", "éÉ", "ǆǅǄ"] {
            let folded: std::collections::BTreeSet<_> = same.chars().map(fold).collect();
            assert_eq!(folded.len(), 1, "{same}");
        }
        for (a, b) in [('a', 'b'), ('ı', 'i'), ('İ', 'i'), ('ß', 's'), ('1', '2')] {
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }
}
