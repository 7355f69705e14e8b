//! A bounded list without duplicates.

use std::collections::HashSet;

/// Maximum length of a list: models, ids or names of one INF.
pub(super) const MAX: usize = 20_000;

/// Texts in the order of the INF; duplicates that differ only in case and texts beyond the maximum are dropped.
pub(super) struct DistinctValues {
    max: usize,
    seen: HashSet<String>,
    list: Vec<String>,
}

impl DistinctValues {
    /// An empty list of at most `max` texts.
    pub(super) fn new(max: usize) -> Self {
        Self { max, seen: HashSet::new(), list: Vec::new() }
    }

    /// Adds a text, unless it is empty.
    pub(super) fn push(&mut self, text: &str) {
        if !text.is_empty() && self.list.len() < self.max && self.seen.insert(text.to_lowercase()) {
            self.list.push(text.to_owned());
        }
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.list
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }
}
