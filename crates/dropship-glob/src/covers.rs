//! Whether one glob matches everything that another matches.

use super::fold::fold_text;
use super::glob::{Glob, GlobMatcher};
use super::simple::Simple;

impl Glob {
    /// Whether every text that `other` matches surely matches this one too. `false` when that is not known.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if self.is_anything() || self == other {
            return true;
        }
        if let GlobMatcher::Simple(Simple::Exact(word)) = other.shape() {
            return self.is_match(word);
        }
        let GlobMatcher::Simple(simple) = self.shape() else { return false };
        let (head, tail) = other.fixed_ends();
        match simple {
            Simple::Prefix(word) => head.starts_with(&**word),
            Simple::Suffix(word) => tail.ends_with(&**word),
            Simple::Contains(word) => {
                head.contains(&**word) || tail.contains(&**word) || other.surely_contains(word)
            }
            Simple::Exact(_) | Simple::Stars(_) => false,
        }
    }

    /// The beginning and end of every matching text, folded.
    pub(super) fn fixed_ends(&self) -> (String, String) {
        let folded = fold_text(self.as_str());
        let head = folded.find(['*', '?', '[', '{']).unwrap_or(folded.len());
        let tail = folded.rfind(['*', '?', ']', '}']).map_or(0, |at| at + 1);
        (folded[..head].to_owned(), folded[tail..].to_owned())
    }

    fn surely_contains(&self, word: &str) -> bool {
        matches!(self.shape(), GlobMatcher::Simple(Simple::Contains(own)) if own.contains(word))
    }
}
