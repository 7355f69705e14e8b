//! Characters that change the direction of text: a name that contains one is not shown as it is.

/// The first character of a text that changes the direction of what follows (Unicode, "Bidirectional Algorithm", section 2).
#[must_use]
pub fn control(text: &str) -> Option<char> {
    text.chars().find(|c| {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// Why such a text is refused.
#[must_use]
pub fn reason(c: char) -> String {
    format!("the invisible character U+{:04X}, which changes the direction of text", u32::from(c))
}
