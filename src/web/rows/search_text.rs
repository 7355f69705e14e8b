//! What a search looks through: one text for each package.

use memchr::memmem::Finder;

use super::inf::RowInf;
use super::label::LabelRow;
use dropship_job::{JobId, RemoteId};

/// Between two texts. The words of a search have no white space, so that none is found across two texts.
const SEPARATOR: &str = "\n";

/// The texts of a package in lower case, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SearchText {
    /// The file name; then the INFs, their providers and versions, and the ids; then the names of the labels.
    text: Box<str>,
    /// Where the file name ends.
    name_end: usize,
    /// Where the ids end.
    ids_end: usize,
}

/// What a text is made of.
pub(super) struct SearchFields<'a> {
    pub(super) name: &'a str,
    pub(super) infs: &'a [RowInf],
    pub(super) job: &'a JobId,
    pub(super) product: Option<RemoteId>,
    pub(super) submission: Option<RemoteId>,
    pub(super) labels: &'a [LabelRow],
}

impl SearchText {
    /// The texts of a package.
    pub(super) fn of(parts: &SearchFields<'_>) -> Self {
        let mut text = parts.name.to_lowercase();
        let name_end = text.len();
        let mut previous: Option<&RowInf> = None;
        for inf in parts.infs {
            add(&mut text, &inf.name);
            // Most INFs of a package have the provider and the version of the one before.
            if previous.is_none_or(|previous| previous.provider != inf.provider) {
                inf.provider.iter().for_each(|provider| add(&mut text, provider));
            }
            if previous.is_none_or(|previous| previous.version != inf.version) {
                inf.version.iter().for_each(|version| add(&mut text, version));
            }
            previous = Some(inf);
        }
        add(&mut text, parts.job.as_str());
        for id in parts.product.into_iter().chain(parts.submission) {
            add(&mut text, &id.to_string());
        }
        let ids_end = text.len();
        parts.labels.iter().for_each(|label| add(&mut text, &label.name));
        Self { text: text.into(), name_end, ids_end }
    }

    /// The file name in lower case.
    pub(super) fn name(&self) -> &str {
        self.text.get(..self.name_end).unwrap_or_default()
    }

    /// Whether one of the texts contains a word, which is in lower case; the names of labels do not count.
    pub(super) fn has(&self, word: &Finder<'_>) -> bool {
        self.text.get(..self.ids_end).is_some_and(|texts| word.find(texts.as_bytes()).is_some())
    }

    /// Whether the name of a label contains a word, which is in lower case.
    pub(super) fn has_label(&self, word: &Finder<'_>) -> bool {
        self.text.get(self.ids_end..).is_some_and(|names| word.find(names.as_bytes()).is_some())
    }
}

/// Adds the lower case of a text. Each is for itself: the lower case of a letter can depend on what is before it.
fn add(texts: &mut String, text: &str) {
    texts.push_str(SEPARATOR);
    if text.is_ascii() {
        let start = texts.len();
        texts.push_str(text);
        texts[start..].make_ascii_lowercase();
    } else {
        texts.push_str(&text.to_lowercase());
    }
}

#[cfg(test)]
mod tests;
