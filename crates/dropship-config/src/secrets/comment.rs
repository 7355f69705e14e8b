//! Values in comments. A secret can stand there, as well as prose, whose words must not be masked in every text of the process.

use std::ops::Range;

use super::HiddenReason;
use super::scanner::{QUOTES, ScannedKey, Scanner};
use super::url::{has_secret_of_url, secret_part};
use crate::secret_names::{KeyKind, TableScope, kind};

/// Words and numbers with fewer characters are no secrets.
const MIN_SECRET_WORD: usize = 16;
/// What can follow a word.
const ENDS_OF_SENTENCES: [char; 7] = ['.', ',', ';', ':', '!', '?', ')'];

impl Scanner<'_> {
    /// The value of a key in a comment, at the present place. Unlike elsewhere it ends with the line.
    pub(super) fn read_comment_value(&mut self, key: &ScannedKey) {
        let line_end = self.line_end(self.at);
        let start = self.at;
        let Some(first) = self.byte(start).filter(|_| start < line_end) else { return };
        if self.text[start..].starts_with("//") && start == key.last_at.end + 1 {
            self.read_comment_url(key.last_at.start, line_end);
            return;
        }
        if key.kind == KeyKind::Plain && !matches!(first, b'"' | b'\'') {
            // The rest of the line can have other keys.
            let end = self.text[start..line_end]
                .find(char::is_whitespace)
                .map_or(line_end, |length| start + length);
            self.hide_unusual(start..end, key.within);
            if matches!(first, b'{' | b'[') {
                self.inline.push(key.scope);
                self.at += 1;
            }
            return;
        }
        self.at = match first {
            b'"' | b'\'' => self.string_end(start, first).0.clamp(start + 1, self.text.len()),
            _ => self.text[start..line_end].find(" #").map_or(line_end, |length| start + length),
        };
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        if key.kind == KeyKind::Plain {
            self.hide_unusual(start..self.at, key.within);
            return;
        }
        let before = self.found.len();
        self.hide(start..self.at, key.kind);
        let value = &self.text[start..self.at];
        // In a table of an account, any key can be meant to hold its secret, and any line can be prose.
        let is_named = kind(&self.text[key.last_at.clone()], TableScope::Other) != KeyKind::Plain;
        if !is_named || is_prose(value) {
            self.found[before..].iter_mut().for_each(|secret| secret.why = HiddenReason::Unusual);
        }
    }

    /// A URL, whose scheme begins at `start`.
    fn read_comment_url(&mut self, start: usize, line_end: usize) {
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
        let end = self.text[self.at..line_end].find(ends).map_or(line_end, |length| self.at + length);
        let url = self.text[start..end].trim_end_matches(ENDS_OF_SENTENCES);
        if let Some(part) = secret_part(url, true) {
            let why = if has_secret_of_url(url) { HiddenReason::Place } else { HiddenReason::Unusual };
            self.push(start..start + url.len(), part, why);
        }
        self.at = end;
    }

    /// Whether the word that begins at `at` is the first of its line, and one word or a text in quotes follows: a key without a sign.
    pub(super) fn has_word_as_value(&self, at: Range<usize>) -> bool {
        let Some(comment) = self.comment else { return true };
        let is_first = self.text[comment..at.start].bytes().all(|byte| matches!(byte, b'#' | b' ' | b'\t'));
        let rest = &self.text[at.end..self.line_end(at.end)];
        is_first && self.starts_line(comment) && (rest.starts_with(['"', '\'']) || !rest.trim().contains(' '))
    }
}

/// Whether a value after the name of a secret is no secret: several words without quotes, a plain word or number, a path.
fn is_prose(value: &str) -> bool {
    let is_quoted = value.starts_with(['"', '\'']);
    let inner = value.trim_matches(QUOTES).trim_end_matches(ENDS_OF_SENTENCES);
    let is_short = inner.len() < MIN_SECRET_WORD;
    let is_word = |is_part: fn(char) -> bool| is_short && inner.chars().all(is_part);
    !is_quoted && inner.contains(char::is_whitespace)
        || is_word(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '/'))
        || is_word(|c| c.is_ascii_digit())
        || inner.starts_with('/') && KeyKind::File.is_usual(inner)
}
