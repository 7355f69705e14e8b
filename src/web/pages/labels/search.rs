//! A search for labels.

use memchr::memmem::Finder;

use crate::web::rows::{LabelRow, Row, contains_word};

/// The words of a search: each is part of the name of a label, its package, its driver or version, or is the id of its job.
pub(super) struct WordSearch<'a>(Vec<(&'a str, Finder<'a>)>);

/// The words that a package does not have: the name of its label has to.
pub(super) struct MissingWords<'a>(Vec<&'a str>);

impl<'a> WordSearch<'a> {
    /// For words in lower case, without white space.
    pub(super) fn of(words: &'a [String]) -> Self {
        Self(words.iter().map(|word| (word.as_str(), Finder::new(word))).collect())
    }

    /// The words that a package does not have; `None` if none of its labels can have them.
    pub(super) fn missing_in(&self, row: &Row) -> Option<MissingWords<'a>> {
        let mut missing = Vec::new();
        for (word, finder) in &self.0 {
            if is_about(row, word, finder) {
                continue;
            }
            if !row.has_label(finder) {
                return None;
            }
            missing.push(*word);
        }
        Some(MissingWords(missing))
    }
}

impl MissingWords<'_> {
    /// Whether the name of a label has them.
    pub(super) fn are_in(&self, label: &LabelRow) -> bool {
        self.0.iter().all(|word| contains_word(&label.name, word))
    }
}

/// Whether a word is part of the name of a package, its driver or version, or is the id of its job.
fn is_about(row: &Row, word: &str, finder: &Finder<'_>) -> bool {
    // All of these, and more, are in the text for searches, which is quick to look through.
    row.contains(finder)
        && (contains_word(&row.package, word)
            || contains_word(row.driver_key().0, word)
            || row.version().is_some_and(|version| contains_word(version, word))
            || row.id.as_str() == word)
}
