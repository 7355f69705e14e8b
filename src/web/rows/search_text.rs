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
    all: Box<str>,
    /// Where the file name ends.
    name: usize,
    /// Where the ids end.
    ids: usize,
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
        let mut all = parts.name.to_lowercase();
        let name = all.len();
        let mut former: Option<&RowInf> = None;
        for inf in parts.infs {
            add(&mut all, &inf.name);
            // Most INFs of a package have the provider and the version of the one before.
            if former.is_none_or(|former| former.provider != inf.provider) {
                inf.provider.iter().for_each(|provider| add(&mut all, provider));
            }
            if former.is_none_or(|former| former.version != inf.version) {
                inf.version.iter().for_each(|version| add(&mut all, version));
            }
            former = Some(inf);
        }
        add(&mut all, parts.job.as_str());
        for id in parts.product.into_iter().chain(parts.submission) {
            add(&mut all, &id.to_string());
        }
        let ids = all.len();
        parts.labels.iter().for_each(|label| add(&mut all, &label.name));
        Self { all: all.into(), name, ids }
    }

    /// The file name in lower case.
    pub(super) fn name(&self) -> &str {
        self.all.get(..self.name).unwrap_or_default()
    }

    /// Whether one of the texts contains a word, which is in lower case; the names of labels do not count.
    pub(super) fn has(&self, word: &Finder<'_>) -> bool {
        self.all.get(..self.ids).is_some_and(|texts| word.find(texts.as_bytes()).is_some())
    }

    /// Whether the name of a label contains a word, which is in lower case.
    pub(super) fn has_label(&self, word: &Finder<'_>) -> bool {
        self.all.get(self.ids..).is_some_and(|names| word.find(names.as_bytes()).is_some())
    }
}

/// Adds the lower case of a text. Each is for itself: the lower case of a letter can depend on what is before it.
fn add(all: &mut String, text: &str) {
    all.push_str(SEPARATOR);
    if text.is_ascii() {
        let start = all.len();
        all.push_str(text);
        all[start..].make_ascii_lowercase();
    } else {
        all.push_str(&text.to_lowercase());
    }
}

#[cfg(test)]
mod tests;
