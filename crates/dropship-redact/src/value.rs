//! The secret value that a name introduces: `client_secret=…`, `"password": "…"`, `Authorization: Basic …`.

use std::ops::Range;

/// Replaces a secret.
pub const MASK: &str = "***";

/// The text after a word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Introduced {
    /// No secret.
    Nothing,
    /// A secret at this place.
    Value(Range<usize>),
}

/// The kind of value that a name announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnnouncedValue {
    /// An authentication header, whose value is a scheme and credentials.
    Header,
    /// A scheme of authentication before its credentials.
    Bearer,
    /// A name that is no word of a sentence, such as `client_secret`.
    Technical,
    /// A name that can also be a word of a sentence, such as `secret`; a colon after it introduces no secret.
    Word,
}

/// Parameters of a shared access signature that grant access or identify the key.
///
/// Source: "Create a service SAS", Azure Storage REST documentation.
const SIGNATURE: &[&str] = &["sig", "skoid", "sktid", "skt", "ske", "sks", "skv"];
/// Ends of technical names, without `_` and `-`.
const TECHNICAL: &[&str] = &[
    "clientsecret",
    "clientassertion",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "federatedtoken",
    "password",
    "passwd",
    "apikey",
    "privatekey",
    "identityheader",
    "sharedaccesssignature",
];
/// Names that can be words.
const WORDS: &[&str] = &["secret", "token", "pwd", "pass", "assertion"];
/// Headers with credentials, without `_` and `-`.
const HEADERS: &[&str] = &["authorization", "proxyauthorization"];
/// Schemes of authentication, which are not secret.
const SCHEMES: &[&str] = &[
    "basic",
    "bearer",
    "digest",
    "negotiate",
    "ntlm",
    "sharedkey",
    "sharedkeylite",
    "token",
    "pop",
    "dpop",
    "oauth",
];
/// Length of the longest name, in bytes, with room for separators and a prefix.
const LONGEST: usize = 64;

/// The kind of value that a name announces; `None` for other names.
pub(crate) fn name(word: &[u8]) -> Option<AnnouncedValue> {
    if word.len() < 3 || word.len() > LONGEST {
        return None;
    }
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    if is(SIGNATURE) {
        return Some(AnnouncedValue::Word);
    }
    if word.eq_ignore_ascii_case(b"bearer") {
        return Some(AnnouncedValue::Bearer);
    }
    if is(WORDS) {
        return Some(AnnouncedValue::Word);
    }
    let plain: Vec<u8> =
        word.iter().filter(|byte| !matches!(byte, b'_' | b'-')).map(u8::to_ascii_lowercase).collect();
    if HEADERS.iter().any(|name| plain == name.as_bytes()) {
        return Some(AnnouncedValue::Header);
    }
    TECHNICAL.iter().any(|name| plain.ends_with(name.as_bytes())).then_some(AnnouncedValue::Technical)
}

/// The secret that follows the word at that place.
pub(crate) fn introduced(text: &[u8], word: Range<usize>) -> Introduced {
    value(text, word)
        .filter(|value| text.get(value.clone()) != Some(MASK.as_bytes()))
        .map_or(Introduced::Nothing, Introduced::Value)
}

fn value(text: &[u8], word: Range<usize>) -> Option<Range<usize>> {
    let name = name(text.get(word.clone())?)?;
    let before = word.start.checked_sub(1).and_then(|at| text.get(at)).copied();
    let mut at = word.end;
    if name == AnnouncedValue::Bearer {
        let start = skip_blanks(text, at);
        return (start > at).then(|| unquoted(text, start)).flatten();
    }
    let is_quoted = matches!(before, Some(b'"' | b'\'')) && text.get(at).copied() == before;
    if is_quoted {
        at += 1;
    }
    let separator = skip_blanks(text, at);
    // `sig= next` has no value, `password = next` has one.
    let is_spaced = separator > at || text.get(separator) == Some(&b':');
    at = separator;
    match text.get(at)? {
        b'=' => at += 1,
        b':' if is_quoted || name != AnnouncedValue::Word => at += 1,
        b'>' if before == Some(b'<') => return until(text, at + 1, |byte| byte == b'<'),
        _ => return None,
    }
    if text.get(at) == Some(&b'>') {
        at += 1;
    }
    if is_spaced || is_quoted {
        at = skip_blanks(text, at);
    }
    if is_quoted && text.get(at) == Some(&b'[') {
        at = skip_blanks(text, at + 1);
    }
    match text.get(at).copied()? {
        quote @ (b'"' | b'\'') => quoted(text, at + 1, quote),
        _ if name == AnnouncedValue::Header => credentials(text, at),
        _ => unquoted(text, at),
    }
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count())
}

fn until(text: &[u8], start: usize, is_end: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    let length = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
    (length > 0).then_some(start..start + length)
}

fn unquoted(text: &[u8], start: usize) -> Option<Range<usize>> {
    until(text, start, |byte| {
        byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'\'' | b'<' | b')' | b'\\')
    })
}

/// A text up to its closing quote, which is not escaped.
fn quoted(text: &[u8], start: usize, quote: u8) -> Option<Range<usize>> {
    let mut at = start;
    while let Some(&byte) = text.get(at).filter(|byte| **byte != quote) {
        at += if byte == b'\\' { 2 } else { 1 };
    }
    let end = at.min(text.len());
    (end > start).then_some(start..end)
}

/// The credentials of a header without their scheme. The parameters of some schemes are a list with commas.
fn credentials(text: &[u8], start: usize) -> Option<Range<usize>> {
    let is_end = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'\\');
    let first = until(text, start, is_end)?;
    // Masked already: the words that follow are not part of it.
    if text[first.clone()].starts_with(MASK.as_bytes()) {
        return None;
    }
    let is_scheme = SCHEMES.iter().any(|scheme| text[first.clone()].eq_ignore_ascii_case(scheme.as_bytes()));
    let next = skip_blanks(text, first.end);
    let mut whole = match until(text, next, is_end).filter(|_| next > first.end) {
        Some(second) if is_scheme => second,
        Some(second) => first.start..second.end,
        None => return Some(first),
    };
    while whole.end > whole.start && text.get(whole.end - 1) == Some(&b',') {
        let next = skip_blanks(text, whole.end);
        match until(text, next, is_end) {
            Some(more) if next > whole.end => whole.end = more.end,
            _ => break,
        }
    }
    Some(whole)
}
