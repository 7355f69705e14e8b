//! Which characters a path of the configuration may contain.

use std::path::Path;

/// Refuses control characters: they end a line in unit files and logs, or control a terminal. Refuses characters that change
/// the direction of text as well, because such a path is not shown as it is.
///
/// # Errors
/// The first such character, in a sentence.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let text = path.to_string_lossy();
    if let Some(c) = text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(format!("this path contains the control character U+{:04X}", u32::from(c)));
    }
    match dropship_rules::direction::control(&text) {
        Some(c) => Err(format!("this path contains {}", dropship_rules::direction::reason(c))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_a_control_character_is_refused() {
        for c in ['\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{2028}', '\u{202e}'] {
            let refused = check(Path::new(&format!("/srv/a{c}b"))).expect_err("refused");
            assert!(refused.contains(&format!("U+{:04X}", u32::from(c))), "{refused}");
        }
        for fine in ["/srv/a b", "/srv/ü日", "/srv/a\u{a0}b", "/srv/100%\"'\\"] {
            assert_eq!(check(Path::new(fine)), Ok(()), "{fine}");
        }
    }
}
