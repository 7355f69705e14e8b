//! Texts as globs that match nothing else.

use std::borrow::Cow;

/// Characters that are special in a glob.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', ','];

/// The glob that matches this text only, also as a part of a longer glob.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(SPECIAL) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match SPECIAL.contains(&c) {
            true => escaped.extend(['[', c, ']']),
            false => escaped.push(c),
        }
    }
    escaped.into()
}
