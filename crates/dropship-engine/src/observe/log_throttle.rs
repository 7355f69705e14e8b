//! Throttles repeated errors: the first one is logged, then one each time their number has doubled.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Counts errors by subject, such as an outbox or a notification target. The number of subjects must be small.
#[derive(Debug)]
pub struct LogThrottle(Mutex<BTreeMap<String, u64>>);

impl LogThrottle {
    /// A throttle without errors.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Counts an error. Returns the number of errors so far if this one should be logged.
    #[must_use]
    pub fn count(&self, subject: &str) -> Option<u64> {
        let mut counts = self.0.lock();
        let count = counts.entry(subject.to_owned()).or_default();
        *count += 1;
        count.is_power_of_two().then_some(*count)
    }

    /// Resets the count of a subject that works again. Returns the number of errors, if there were any.
    #[must_use]
    pub fn reset(&self, subject: &str) -> Option<u64> {
        self.0.lock().remove(subject)
    }
}

impl Default for LogThrottle {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_errors_are_logged_at_powers_of_two() {
        let throttle = LogThrottle::new();
        let logged: Vec<_> = (0..1000).filter_map(|_| throttle.count("/out")).collect();
        assert_eq!(logged, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert_eq!(throttle.count("/elsewhere"), Some(1));
        assert_eq!((throttle.reset("/out"), throttle.reset("/out")), (Some(1000), None));
        assert_eq!(throttle.count("/out"), Some(1));
    }
}
