//! Texts that many rows have in common are kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Maximum number of distinct texts; further ones are kept in each row.
const MAX_NAMES: usize = 20_000;

/// Names of folders, rules, providers and versions.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The text, shared with the rows that have the same.
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        if self.0.len() < MAX_NAMES {
            self.0.insert(Arc::clone(&text));
        }
        text
    }
}
