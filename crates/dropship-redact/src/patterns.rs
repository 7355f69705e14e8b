//! Patterns of secrets, known or not.

use std::ops::Range;

use crate::value::{Introduced, introduced};

/// Minimum number of characters after `eyJ` (base64 of `{"`) that make a token of it.
const MIN_TOKEN: usize = 16;
/// Minimum length of a client secret of Entra, in bytes; they have 40.
const MIN_ENTRA: usize = 30;

/// The places of what looks like a secret. They can overlap.
pub(crate) fn find(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    named_values(text, &mut found);
    web_tokens(text, &mut found);
    entra_secrets(text, &mut found);
    private_keys(text, &mut found);
    user_information(text, &mut found);
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Values of parameters, keys, elements and headers with a telling name.
fn named_values(text: &[u8], found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < text.len() {
        let start = at;
        while text.get(at).is_some_and(|byte| is_word(*byte)) {
            at += 1;
        }
        if at == start {
            at += 1;
            continue;
        }
        match introduced(text, start..at) {
            Introduced::Nothing => {}
            Introduced::Value(value) => {
                at = value.end.max(at);
                found.push(value);
            }
        }
    }
}

/// JSON Web Tokens, whole or cut off.
fn web_tokens(text: &[u8], found: &mut Vec<Range<usize>>) {
    let is_part = |byte: &u8| is_word(*byte) || *byte == b'.';
    let mut at = 0;
    while let Some(start) = position(text, b"eyJ", at) {
        let length = text[start..].iter().take_while(|byte| is_part(byte)).count();
        at = start + length;
        if length >= 3 + MIN_TOKEN {
            found.push(start..at);
        }
    }
}

/// Client secrets of Entra, whose fourth to sixth characters are a digit and `Q~`.
fn entra_secrets(text: &[u8], found: &mut Vec<Range<usize>>) {
    let is_part = |byte: &u8| is_word(*byte) || matches!(byte, b'.' | b'~');
    let (mut at, mut done) = (0, 0);
    while let Some(mark) = position(text, b"Q~", at) {
        let before = text[done..mark].iter().rev().take_while(|byte| is_part(byte)).count();
        let after = text[mark..].iter().take_while(|byte| is_part(byte)).count();
        (at, done) = (mark + after, mark + after);
        if before >= 4 && text[mark - 1].is_ascii_digit() && before + after >= MIN_ENTRA {
            found.push(mark - before..at);
        }
    }
}

/// The contents of private keys in PEM.
fn private_keys(text: &[u8], found: &mut Vec<Range<usize>>) {
    let mark = b"PRIVATE KEY-----";
    let mut at = 0;
    while let Some(start) = position(text, mark, at) {
        let start = start + mark.len();
        let end = position(text, b"-----END", start).unwrap_or(text.len());
        if end > start {
            found.push(start..end);
        }
        at = position(text, mark, end).map_or(text.len(), |end| end + mark.len());
    }
}

/// User names and passwords in URLs.
fn user_information(text: &[u8], found: &mut Vec<Range<usize>>) {
    let is_end = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'`' | b'\\')
    };
    let mut at = 0;
    while let Some(mark) = position(text, b"://", at) {
        let start = mark + 3;
        let end = text[start..].iter().position(is_end).map_or(text.len(), |length| start + length);
        let user = text[start..end].iter().rposition(|byte| *byte == b'@').filter(|length| *length > 0);
        if let Some(user) = user.map(|length| start..start + length)
            && (!is_database(&text[..mark]) || text[user.clone()].contains(&b':'))
        {
            found.push(user);
        }
        at = end;
    }
}

/// Whether a text ends with the scheme of a database. A user of a database is no secret without a password.
fn is_database(text: &[u8]) -> bool {
    let length = text.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let scheme = &text[text.len() - length..];
    scheme.eq_ignore_ascii_case(b"postgres") || scheme.eq_ignore_ascii_case(b"postgresql")
}

/// Where `what` begins next.
fn position(text: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let first = *what.first()?;
    let mut at = from;
    loop {
        let next = at + text.get(at..)?.iter().position(|byte| *byte == first)?;
        if text[next..].starts_with(what) {
            return Some(next);
        }
        at = next + 1;
    }
}
