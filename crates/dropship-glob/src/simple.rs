//! Globs of words and stars, which need no automaton. Most globs of rules are such.

use std::borrow::Cow;

use super::fold::{fold, fold_text};
use super::parse::GlobPart;

/// Where the folded words of a glob must stand.
#[derive(Debug, Clone)]
pub(super) enum Simple {
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    Contains(Box<str>),
    /// The words between stars; the first and the last can be empty.
    Stars(Box<[Box<str>]>),
}

impl Simple {
    /// The simple form of a glob; `None` if it has other parts than letters and stars.
    pub(super) fn of(parts: &[GlobPart]) -> Option<Self> {
        let mut words = vec![String::new()];
        for part in parts {
            match part {
                GlobPart::Letter(c) => words.last_mut()?.push(fold(*c)),
                GlobPart::Star => words.push(String::new()),
                GlobPart::One(_) | GlobPart::Choice(_) => return None,
            }
        }
        let boxed = |word: &mut String| std::mem::take(word).into_boxed_str();
        Some(match words.as_mut_slice() {
            [only] => Self::Exact(boxed(only)),
            [first, last] if last.is_empty() && !first.is_empty() => Self::Prefix(boxed(first)),
            [first, last] if first.is_empty() && !last.is_empty() => Self::Suffix(boxed(last)),
            [first, last] if first.is_empty() && last.is_empty() => Self::Contains("".into()),
            [first, word, last] if first.is_empty() && last.is_empty() => Self::Contains(boxed(word)),
            words => Self::Stars(words.iter_mut().map(boxed).collect()),
        })
    }

    /// The letters of its words, folded.
    pub(super) fn letters(&self) -> impl Iterator<Item = char> {
        let words = match self {
            Self::Exact(word) | Self::Prefix(word) | Self::Suffix(word) | Self::Contains(word) => {
                std::slice::from_ref(word)
            }
            Self::Stars(words) => words,
        };
        words.iter().flat_map(|word| word.chars())
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Exact(word) => equals(text, word),
            Self::Prefix(word) => starts_with(text, word),
            Self::Suffix(word) => ends_with(text, word),
            Self::Contains(word) => word.is_empty() || fold_text(text).contains(&**word),
            Self::Stars(words) => are_in_order(text, words),
        }
    }
}

fn equals(text: &str, word: &str) -> bool {
    match text.is_ascii() {
        true => text.eq_ignore_ascii_case(word),
        false => fold_text(text) == word,
    }
}

fn starts_with(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let head = text.as_bytes().get(..word.len());
        return head.is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    }
    fold_text(text).starts_with(word)
}

fn ends_with(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        let tail = text.len().checked_sub(word.len()).and_then(|at| text.as_bytes().get(at..));
        return tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()));
    }
    fold_text(text).ends_with(word)
}

/// Whether the words follow each other in the text, the first at its beginning and the last at its end.
fn are_in_order(text: &str, words: &[Box<str>]) -> bool {
    let [first, between @ .., last] = words else { return false };
    if !starts_with(text, first) || !ends_with(text, last) {
        return false;
    }
    let text: Cow<'_, str> = fold_text(text);
    let rest = text.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last));
    let skip_past = |rest: &mut &str, word: &str| {
        let at = rest.find(word)?;
        *rest = rest.get(at + word.len()..)?;
        Some(())
    };
    rest.is_some_and(|mut rest| between.iter().all(|word| skip_past(&mut rest, word).is_some()))
}
