//! Texts that many rows have in common are kept once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Maximum number of distinct texts; further ones are kept in each row.
const MAX_NAMES: usize = 20_000;

/// Names of folders, rules, providers and versions.
#[derive(Debug, Default)]
pub(super) struct NameInterner {
    texts: HashSet<Arc<str>>,
    /// The numbers of drivers: the name of the first INF, and the number of the others.
    drivers: HashMap<(Arc<str>, usize), u32>,
}

impl NameInterner {
    /// The text, shared with the rows that have the same.
    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        if self.texts.len() < MAX_NAMES {
            self.texts.insert(Arc::clone(&text));
        }
        text
    }

    /// The number of a driver: by the name of its first INF and the number of the others. Absent if there are too many drivers.
    pub(super) fn driver_number(&mut self, first: &Arc<str>, others: usize) -> Option<u32> {
        let driver = (Arc::clone(first), others);
        let next = u32::try_from(self.drivers.len()).ok()?;
        match self.drivers.get(&driver) {
            Some(number) => Some(*number),
            None if self.drivers.len() < MAX_NAMES => {
                self.drivers.insert(driver, next);
                Some(next)
            }
            None => None,
        }
    }
}
