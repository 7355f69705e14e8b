//! The same error again and again is told the first time, and each time that its number has doubled since.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts errors by what they are about; there are few such things.
#[derive(Debug)]
pub struct Repeated(Mutex<BTreeMap<String, u64>>);

impl Repeated {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// It happened again; gives how often so far, if that is worth a line.
    #[must_use]
    pub fn again(&self, about: &str) -> Option<u64> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(about.to_owned()).or_default();
        *count += 1;
        count.is_power_of_two().then_some(*count)
    }

    /// It is over; gives how often it happened, if it did.
    #[must_use]
    pub fn over(&self, about: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(about)
    }
}

impl Default for Repeated {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_of_many_are_told() {
        let repeated = Repeated::new();
        let told: Vec<_> = (0..1000).filter_map(|_| repeated.again("/out")).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert_eq!(repeated.again("/elsewhere"), Some(1));
        assert_eq!((repeated.over("/out"), repeated.over("/out")), (Some(1000), None));
        assert_eq!(repeated.again("/out"), Some(1));
    }
}
