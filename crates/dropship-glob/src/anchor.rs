//! Fixed parts of globs, for an index of many: it finds those that can cover a glob without comparing it with all.

use super::glob::{Glob, GlobMatcher};
use super::simple::Simple;

/// The fixed part of a glob that every glob which it covers contains too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    /// Every matching text begins with this text.
    Head(String),
    /// Every matching text ends with this text.
    Tail(String),
    /// Every matching text contains this text.
    Word(String),
    /// Nothing is fixed.
    None,
}

impl Glob {
    /// The fixed part that excludes the most texts.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        let (head, tail) = self.fixed_ends();
        match self.shape() {
            _ if !head.is_empty() => Anchor::Head(head),
            _ if !tail.is_empty() => Anchor::Tail(tail),
            GlobMatcher::Simple(Simple::Contains(word)) if !word.is_empty() => Anchor::Word(word.to_string()),
            GlobMatcher::Simple(_) | GlobMatcher::Nfa(_) => Anchor::None,
        }
    }

    /// The anchors that globs which cover this one can have. There are many words; they are left out unless asked for.
    #[must_use]
    pub fn anchors_of_covering(&self, with_words: bool) -> Vec<Anchor> {
        let (head, tail) = self.fixed_ends();
        let word = match self.shape() {
            GlobMatcher::Simple(Simple::Contains(word)) => &**word,
            GlobMatcher::Simple(_) | GlobMatcher::Nfa(_) => "",
        };
        let ends =
            |text: &str| -> Vec<usize> { text.char_indices().map(|(at, c)| at + c.len_utf8()).collect() };
        let mut anchors = vec![Anchor::None];
        anchors.extend(ends(&head).into_iter().map(|end| Anchor::Head(head[..end].to_owned())));
        anchors.extend(tail.char_indices().map(|(at, _)| Anchor::Tail(tail[at..].to_owned())));
        for text in [head.as_str(), tail.as_str(), word].into_iter().filter(|_| with_words) {
            let ends = ends(text);
            for (start, _) in text.char_indices() {
                let later = ends.iter().filter(|end| **end > start);
                anchors.extend(later.map(|end| Anchor::Word(text[start..*end].to_owned())));
            }
        }
        anchors
    }
}
