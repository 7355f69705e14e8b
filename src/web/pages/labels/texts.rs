//! A set of texts, made from many texts that share memory.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Number of texts that are known by their address.
const RECENT: usize = 16;

/// A set of texts. Adding a text again costs no comparison if a recently added text has the same address.
#[derive(Default)]
pub(super) struct TextSet<'a> {
    all: BTreeSet<&'a str>,
    recent: Vec<&'a Arc<str>>,
}

impl<'a> TextSet<'a> {
    /// Adds a text.
    pub(super) fn add(&mut self, text: &'a Arc<str>) {
        if self.recent.iter().any(|known| Arc::ptr_eq(known, text)) {
            return;
        }
        self.all.insert(text);
        if self.recent.len() == RECENT {
            self.recent.clear();
        }
        self.recent.push(text);
    }

    /// The texts, sorted.
    pub(super) fn sorted(&self) -> impl Iterator<Item = &'a str> {
        self.all.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_there_once_however_it_is_shared() {
        let shared: Vec<Arc<str>> = (0..3 * RECENT).map(|number| (number % 40).to_string().into()).collect();
        let mut texts = TextSet::default();
        for text in shared.iter().chain(shared.iter().rev()) {
            texts.add(text);
            texts.add(text);
        }
        let expected: BTreeSet<_> = (0..40).map(|number: usize| number.to_string()).collect();
        assert!(texts.sorted().eq(expected.iter().map(String::as_str)));
    }
}
