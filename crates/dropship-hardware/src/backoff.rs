//! Delays between repeated calls: exponential back-off with full jitter.

use std::time::Duration;

/// A delay that doubles from `min` to `max`. The time that is waited is a random part of it, so that clients that
/// failed together do not return together.
///
/// ```
/// # use std::time::Duration;
/// use dropship_hardware::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3)).ok_or("invalid range")?;
/// assert_eq!(backoff.ceiling(2), Duration::from_secs(2));
/// assert_eq!(backoff.ceiling(9), backoff.max());
/// assert!(backoff.delay(2) <= Duration::from_secs(2));
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    min: Duration,
    max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Backoff {
    /// From 500 milliseconds to 5 minutes.
    pub const DEFAULT: Self = Self { min: Duration::from_millis(500), max: Duration::from_secs(300) };

    /// Delays from `min` to `max`. `None` if `min` is zero or longer than `max`.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Option<Self> {
        (!min.is_zero() && min <= max).then_some(Self { min, max })
    }

    /// Longest delay before the first repetition.
    #[must_use]
    pub const fn min(self) -> Duration {
        self.min
    }

    /// Longest delay before any repetition.
    #[must_use]
    pub const fn max(self) -> Duration {
        self.max
    }

    /// The same delays, but none longer than `limit`.
    #[must_use]
    pub fn capped(self, limit: Duration) -> Self {
        let limit = limit.max(Duration::from_millis(1));
        Self { min: self.min.min(limit), max: self.max.min(limit) }
    }

    /// The longest delay before repetition `n`, counted from 0.
    #[must_use]
    pub fn ceiling(self, n: u32) -> Duration {
        self.min.saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX)).min(self.max)
    }

    /// A random delay up to the [ceiling](Self::ceiling) of repetition `n`.
    #[must_use]
    pub fn delay(self, n: u32) -> Duration {
        self.ceiling(n).mul_f64(random_unit())
    }
}

/// A random number in 0..1; 0.5 if the system provides no randomness.
pub(super) fn random_unit() -> f64 {
    let bits = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_until_max_is_reached() {
        let backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3)).expect("valid");
        assert_eq!(backoff.ceiling(0), Duration::from_millis(500));
        assert_eq!(backoff.ceiling(2), Duration::from_secs(2));
        assert_eq!(backoff.ceiling(3), Duration::from_secs(3));
        assert_eq!(backoff.ceiling(900), Duration::from_secs(3));
        assert!((0..100).all(|_| backoff.delay(1) < Duration::from_secs(1)));
    }

    #[test]
    fn backoff_with_zero_or_inverted_range_is_refused() {
        let second = Duration::from_secs(1);
        assert_eq!(Backoff::new(Duration::ZERO, second), None);
        assert_eq!(Backoff::new(second * 2, second), None);
        assert_eq!(Backoff::new(second, second).map(Backoff::max), Some(second));
    }

    #[test]
    fn capped_backoff_stays_below_the_limit() {
        let capped = Backoff::DEFAULT.capped(Duration::from_millis(100));
        assert_eq!((capped.min(), capped.max()), (Duration::from_millis(100), Duration::from_millis(100)));
    }
}
