//! A line with a syntax error: which part of it can be a secret that the search for values did not find.

use std::ops::Range;

use super::secret_names::{KeyKind, TableScope, is_usual_key, kind};

/// How far before a line its header is searched for, in bytes.
const NEAR: usize = 256 << 10;
/// Maximum number of names in a header that count; TOML itself has a limit below that.
pub(super) const MAX_NAMES: usize = 100;

/// The part of the line that is not shown. `before` is the text before the line.
///
/// Outside of rules, tests and folders only a header, or a key with its equals sign, is shown: the line can be the middle of a text
/// that is not closed. In them, the part after a word that names a secret is hidden.
pub(super) fn hidden_part(before: &str, line: &str) -> Option<Range<usize>> {
    // Without a header nearby, the strict rule applies.
    let near = before.len().saturating_sub(NEAR);
    let near = (near..before.len()).find(|at| before.is_char_boundary(*at)).unwrap_or(before.len());
    let header = before[near..].lines().rev().find(|line| line.trim_start().starts_with('['));
    let scope = header.map_or(TableScope::Top, |header| TableScope::of(names(header)));
    let is_header_of_rule =
        line.trim_start().starts_with('[') && TableScope::of(names(line)) == TableScope::Rule;
    if scope == TableScope::Rule || is_header_of_rule {
        return after_secret_word(line);
    }
    let end = line.trim_end().len();
    let hidden = shown_part(line)..end;
    (hidden.start < hidden.end).then_some(hidden)
}

/// The names in a header.
pub(super) fn names(header: &str) -> impl Iterator<Item = &str> {
    header.split(['[', ']', '.', '"', '\'', ' ']).filter(|name| !name.is_empty()).take(MAX_NAMES)
}

/// The length of the header, or of the key and its equals sign, with which a line begins.
fn shown_part(line: &str) -> usize {
    let blanks = |at: usize| at + (line[at..].len() - line[at..].trim_start().len());
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = blanks(0);
    let is_header = line[start..].starts_with('[');
    let open = if is_header {
        start + line[start..].find(|c| c != '[').unwrap_or(line.len() - start)
    } else {
        start
    };
    let end = line[open..].find(|c: char| !is_name(c)).map_or(line.len(), |length| open + length);
    if end == open || !line[open..end].split('.').all(is_usual_key) {
        return start;
    }
    let next = blanks(end);
    match (is_header, line[next..].chars().next()) {
        (true, _) => end,
        (false, Some('=' | ':')) => blanks(next + 1),
        (false, _) => start,
    }
}

/// The rest of a line after a word that names a secret.
fn after_secret_word(line: &str) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let end = line.trim_end().len();
    let mut at = 0;
    for word in line.split(|c: char| !is_part(c)) {
        let from = line[at..].find(word).map_or(at, |length| at + length);
        at = from + word.len();
        let is_secret = kind(word, TableScope::Rule) == KeyKind::Secret
            || !matches!(kind(word, TableScope::Other), KeyKind::Plain | KeyKind::Base);
        if !word.is_empty() && is_secret && at < end {
            return Some(at..end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_line_shows_its_key_or_header_only() {
        for (before, line, rest) in [
            ("[account]\n", "\"client_secret = \"hush\"", ""),
            ("[account]\n", "client_secret == \"hush\"", "client_secret ="),
            ("[account]\n", "hush", ""),
            ("[account]\n", "hush hush", ""),
            ("[account]\n", "tenant_id = = \"hush\"", "tenant_id = "),
            ("[account]\n", "  client_secret: hush", "  client_secret: "),
            ("[[notify]]\n", "url \"https://h/hush\"", ""),
            ("[api]\n", "proxy \"http://u:hush@h\"", ""),
            ("", "export X=hush", ""),
            ("", "[account = \"hush\"", "[account"),
            ("", "[[notify \"hush\"", "[[notify"),
            ("[[rule]]\n", "client_secret hush", "client_secret"),
        ] {
            let at = hidden_part(before, line).unwrap_or_else(|| panic!("nothing in {line}"));
            assert_eq!(&line[..at.start], rest, "{line}");
            assert_eq!(at.end, line.len(), "{line}");
        }
        assert_eq!(hidden_part("[[folder]]\n", "name = = \"x\""), None);
        assert_eq!(hidden_part("[account]\n", "[api"), None);
    }
}
