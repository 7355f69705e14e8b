//! Texts of operators.

/// An operator's text, without characters that a terminal interprets or that change the direction of what follows.
pub(super) fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '"' | '\'' | '\\' => letter.to_string(),
        _ => letter.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}
